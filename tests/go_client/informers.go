package main

import (
	"context"
	"fmt"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// informersScenario runs a shared informer over all ConfigMaps and tells what its handlers are told. On the cue
// "list" it prints the cache, on "resync" whether a resync has come; at the end of input it stops.
func informersScenario(ctx context.Context, config *rest.Config) error {
	factory := informers.NewSharedInformerFactory(typedClient(config), time.Second)
	informer := factory.Core().V1().ConfigMaps()
	resyncs := make(chan string, 1000)
	_, err := informer.Informer().AddEventHandler(cache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(obj any, initial bool) {
			one := obj.(*core.ConfigMap)
			say(line{"event": "add", "name": one.Name, "data": one.Data, "initial": initial})
		},
		UpdateFunc: func(before, after any) {
			old, one := before.(*core.ConfigMap), after.(*core.ConfigMap)
			if old.ResourceVersion != one.ResourceVersion {
				say(line{"event": "update", "name": one.Name, "data": one.Data})
			}
		},
		DeleteFunc: func(obj any) {
			if gone, is := obj.(cache.DeletedFinalStateUnknown); is {
				obj = gone.Obj
			}
			say(line{"event": "delete", "name": obj.(*core.ConfigMap).Name})
		},
	})
	if err != nil {
		return err
	}
	_, err = informer.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		UpdateFunc: func(before, after any) {
			if before.(*core.ConfigMap).ResourceVersion == after.(*core.ConfigMap).ResourceVersion {
				select {
				case resyncs <- after.(*core.ConfigMap).Name:
				default:
				}
			}
		},
	})
	if err != nil {
		return err
	}
	factory.Start(ctx.Done())
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return fmt.Errorf("%v did not synchronize", kind)
		}
	}
	say(line{"event": "synced"})
	for command := cue(); command != ""; command = cue() {
		switch command {
		case "list":
			found := map[string]map[string]string{}
			for _, obj := range informer.Informer().GetStore().List() {
				one := obj.(*core.ConfigMap)
				found[one.Name] = one.Data
			}
			say(line{"event": "cache", "objects": found})
		case "resync":
			say(line{"event": "resync", "name": <-resyncs})
		}
	}
	return nil
}
