package main

import (
	"context"
	"errors"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// seen is what the view shows, by logical cluster: all of these objects have the same name, and an informer of client-go
// would take them for one. Whatever comes is put into the queue.
type seen struct {
	cache.Store
	queue workqueue.TypedRateLimitingInterface[string]
}

func clusterOf(obj any) (string, error) {
	if one, ok := obj.(*unstructured.Unstructured); ok && one.GetAnnotations()["kcp.io/cluster"] != "" {
		return one.GetAnnotations()["kcp.io/cluster"], nil
	}
	return "", errors.New("an object of no logical cluster")
}

func (s *seen) get(cluster string) *unstructured.Unstructured {
	if obj, exists, err := s.GetByKey(cluster); err == nil && exists {
		return obj.(*unstructured.Unstructured)
	}
	return nil
}

func (s *seen) told(obj any) {
	if cluster, err := clusterOf(obj); err == nil {
		s.queue.Add(cluster)
	}
}

func (s *seen) Add(obj any) error {
	defer s.told(obj)
	return s.Store.Add(obj)
}

func (s *seen) Update(obj any) error {
	defer s.told(obj)
	return s.Store.Update(obj)
}

func (s *seen) Replace(all []any, version string) error {
	err := s.Store.Replace(all, version)
	for _, obj := range all {
		s.told(obj)
	}
	return err
}

// listThenWatch does not stream lists: client-go keeps those by name until they are complete.
type listThenWatch struct {
	*cache.ListWatch
}

func (listThenWatch) IsWatchListSemanticsUnSupported() bool { return true }

// follow keeps what the view shows, through every end of a watch and of the server.
func follow(ctx context.Context, client dynamic.ResourceInterface, queue workqueue.TypedRateLimitingInterface[string]) *seen {
	kept := &seen{Store: cache.NewStore(clusterOf), queue: queue}
	source := listThenWatch{&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options meta.ListOptions) (runtime.Object, error) {
			return client.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options meta.ListOptions) (watch.Interface, error) {
			return client.Watch(ctx, options)
		},
	}}
	// What client-go does on its own waits half a minute when a server has gone away a few times.
	pause := &wait.Backoff{Duration: 50 * time.Millisecond, Cap: time.Second, Steps: 10, Factor: 2}
	options := cache.ReflectorOptions{Name: "view", Backoff: pause}
	reflector := cache.NewReflectorWithOptions(source, &unstructured.Unstructured{}, kept, options)
	go func() {
		for ctx.Err() == nil {
			_ = reflector.ListAndWatchWithContext(ctx)
			time.Sleep(100 * time.Millisecond)
		}
	}()
	return kept
}
