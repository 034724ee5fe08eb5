package main

import (
	"context"
	"fmt"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// informersScenario runs a shared informer over all ConfigMaps and tells what its handlers are told. On the cue
// "list" it prints the cache, on "resync" whether a resync has come, on "media" what went over the wire; at the end of
// input it stops.
func informersScenario(ctx context.Context, config *rest.Config) error {
	config, notes := recorded(config)
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
		case "media":
			say(line{"event": "media", "media": notes.media()})
		}
	}
	return nil
}

// partialScenario runs metadata informers over a built-in and a custom type, tells what they are told, and on the first
// cue what went over the wire.
func partialScenario(ctx context.Context, config *rest.Config) error {
	config, notes := recorded(config)
	factory := metadatainformer.NewSharedInformerFactory(metadata.NewForConfigOrDie(config), 0)
	for _, resource := range []schema.GroupVersionResource{configMaps, workspaces} {
		tell := func(event string, obj any) {
			if gone, is := obj.(cache.DeletedFinalStateUnknown); is {
				obj = gone.Obj
			}
			one := obj.(*meta.PartialObjectMetadata)
			say(line{"event": event, "resource": resource.Resource, "name": one.Name, "labels": one.Labels})
		}
		_, err := factory.ForResource(resource).Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(obj any) { tell("add", obj) },
			UpdateFunc: func(_, obj any) { tell("update", obj) },
			DeleteFunc: func(obj any) { tell("delete", obj) },
		})
		if err != nil {
			return err
		}
	}
	factory.Start(ctx.Done())
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return fmt.Errorf("%v did not synchronize", kind)
		}
	}
	say(line{"event": "synced"})
	cue()
	say(line{"event": "media", "media": notes.media()})
	return nil
}
