package main

import (
	"context"
	"fmt"
	"strconv"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/pager"
	watchtools "k8s.io/client-go/tools/watch"
)

// chunksScenario lists 250 ConfigMaps by 40, by hand and with the pager.
func chunksScenario(ctx context.Context, config *rest.Config) error {
	maps := typedClient(config).CoreV1().ConfigMaps("default")
	for number := range 250 {
		obj := &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Name: fmt.Sprintf("page-%03d", number), Labels: map[string]string{"of": "pages"}}}
		if _, err := maps.Create(ctx, obj, meta.CreateOptions{}); err != nil {
			return err
		}
	}
	pages, revisions, names, remaining := []int{}, map[string]bool{}, map[string]bool{}, []*int64{}
	options := meta.ListOptions{Limit: 40}
	for {
		page, err := maps.List(ctx, options)
		if err != nil {
			return err
		}
		if len(pages) == 2 { // what changes meanwhile is not in this list
			if err = maps.Delete(ctx, "page-249", meta.DeleteOptions{}); err != nil {
				return err
			}
		}
		pages, revisions[page.ResourceVersion] = append(pages, len(page.Items)), true
		remaining = append(remaining, page.RemainingItemCount)
		for _, one := range page.Items {
			names[one.Name] = true
		}
		if options.Continue = page.Continue; options.Continue == "" {
			break
		}
	}
	say(line{"step": "by hand", "pages": pages, "revisions": len(revisions), "names": len(names), "remaining": remaining, "deleted": names["page-249"]})
	listing := pager.New(func(ctx context.Context, options meta.ListOptions) (runtime.Object, error) {
		return maps.List(ctx, options)
	})
	listing.PageSize = 100
	count := 0
	err := listing.EachListItem(ctx, meta.ListOptions{LabelSelector: "of=pages"}, func(runtime.Object) error { count++; return nil })
	say(line{"step": "pager", "count": count})
	return err
}

// watchScenario watches from a revision on, with the watcher that resumes by itself, and from one that is no more.
func watchScenario(ctx context.Context, config *rest.Config) error {
	maps := typedClient(config).CoreV1().ConfigMaps("default")
	listed, err := maps.List(ctx, meta.ListOptions{})
	if err != nil {
		return err
	}
	for number := range 5 {
		obj := &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Name: "watched-" + strconv.Itoa(number)}}
		if _, err = maps.Create(ctx, obj, meta.CreateOptions{}); err != nil {
			return err
		}
	}
	source := &cache.ListWatch{WatchFuncWithContext: func(ctx context.Context, options meta.ListOptions) (watch.Interface, error) {
		options.TimeoutSeconds = new(int64)
		*options.TimeoutSeconds = 1 // many watches, one sequence of events
		return maps.Watch(ctx, options)
	}}
	watcher, err := watchtools.NewRetryWatcherWithContext(ctx, listed.ResourceVersion, source)
	if err != nil {
		return err
	}
	say(line{"step": "watching"})
	cue()
	for range 10 {
		event := <-watcher.ResultChan()
		one, is := event.Object.(*core.ConfigMap)
		if !is {
			return fmt.Errorf("%s %v", event.Type, event.Object)
		}
		say(line{"step": "event", "type": event.Type, "name": one.Name})
	}
	watcher.Stop()
	early, err := maps.Watch(ctx, meta.ListOptions{ResourceVersion: "99999999"})
	if err != nil {
		return err
	}
	event := <-early.ResultChan()
	refusal := errors.FromObject(event.Object)
	say(line{"step": "future", "type": event.Type, "timeout": errors.IsTimeout(refusal), "text": refusal.Error()})
	late, err := maps.Watch(ctx, meta.ListOptions{ResourceVersion: "1"})
	if err == nil {
		event = <-late.ResultChan()
		err = errors.FromObject(event.Object)
	}
	say(line{"step": "past", "expired": errors.IsResourceExpired(err) || errors.IsGone(err), "text": err.Error()})
	return nil
}
