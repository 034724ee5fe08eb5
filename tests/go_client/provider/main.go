// Command provider is the controller of an API for all its consumers at once, with the parts of client-go that
// controllers of one cluster have: shared informers, indexes and a workqueue. The status of each object it serves
// tells how many config maps of its consumer it is shown, which its export claims.
//
// usage: provider EXPORT GROUP RESOURCE, with the provider's workspace in $KUBECONFIG.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/workqueue"
)

const (
	clusterAnnotation = "kcp.io/cluster"
	separator         = "|"
	byCluster         = "cluster"
)

var (
	slices     = schema.GroupVersionResource{Group: "apis.kcp.io", Version: "v1alpha1", Resource: "apiexportendpointslices"}
	configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
)

// distinct puts the logical cluster of an object into its name, so that an informer's cache keeps namesakes of two
// consumers apart. Bookmarks have none.
func distinct(object runtime.Object) {
	accessor, err := meta.Accessor(object)
	if err == nil && accessor.GetAnnotations()[clusterAnnotation] != "" {
		accessor.SetName(accessor.GetAnnotations()[clusterAnnotation] + separator + accessor.GetName())
	}
}

// everywhere is an informer of a resource in all logical clusters.
func everywhere(client dynamic.Interface, resource schema.GroupVersionResource) cache.SharedIndexInformer {
	source := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			list, err := client.Resource(resource).List(ctx, options)
			if err != nil {
				return nil, err
			}
			for i := range list.Items {
				distinct(&list.Items[i])
			}
			return list, nil
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			events, err := client.Resource(resource).Watch(ctx, options)
			if err != nil {
				return nil, err
			}
			return watch.Filter(events, func(event watch.Event) (watch.Event, bool) {
				distinct(event.Object)
				return event, true
			}), nil
		},
	}
	return cache.NewSharedIndexInformer(source, &unstructured.Unstructured{}, 0, cache.Indexers{
		byCluster: func(object any) ([]string, error) {
			return []string{object.(*unstructured.Unstructured).GetAnnotations()[clusterAnnotation]}, nil
		},
	})
}

// address waits for the URL of the export's view, which is there once somebody has bound it.
func address(ctx context.Context, client dynamic.Interface, export string) (string, error) {
	for {
		slice, err := client.Resource(slices).Get(ctx, export, metav1.GetOptions{})
		if err != nil {
			return "", err
		}
		endpoints, _, _ := unstructured.NestedSlice(slice.Object, "status", "endpoints")
		if len(endpoints) > 0 {
			return endpoints[0].(map[string]any)["url"].(string), nil
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// clientAt is a client of a part of the view: `*`, or the name of a logical cluster.
func clientAt(config *rest.Config, view, cluster string) dynamic.Interface {
	copied := rest.CopyConfig(config)
	copied.Host = view + "/clusters/" + cluster
	return dynamic.NewForConfigOrDie(copied)
}

type controller struct {
	config  *rest.Config
	view    string
	served  schema.GroupVersionResource
	objects cache.SharedIndexInformer
	counted cache.SharedIndexInformer
	queue   workqueue.TypedRateLimitingInterface[string]
}

func (c *controller) reconcile(ctx context.Context, key string) error {
	found, exists, err := c.objects.GetIndexer().GetByKey(key)
	if err != nil || !exists {
		return err
	}
	object := found.(*unstructured.Unstructured)
	cluster, name, _ := strings.Cut(object.GetName(), separator)
	shown, err := c.counted.GetIndexer().ByIndex(byCluster, cluster)
	if err != nil {
		return err
	}
	message := fmt.Sprintf("%d config maps", len(shown))
	before, _, _ := unstructured.NestedString(object.Object, "status", "message")
	if before == message {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"phase": "Counted", "message": message}})
	if err != nil {
		return err
	}
	_, err = clientAt(c.config, c.view, cluster).Resource(c.served).Namespace(object.GetNamespace()).
		Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func (c *controller) work(ctx context.Context) {
	for {
		key, ends := c.queue.Get()
		if ends {
			return
		}
		if err := c.reconcile(ctx, key); err != nil {
			fmt.Fprintln(os.Stderr, key, err)
			c.queue.AddRateLimited(key)
		} else {
			c.queue.Forget(key)
		}
		c.queue.Done(key)
	}
}

func (c *controller) run(ctx context.Context) error {
	enqueue := func(object any) {
		if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(object); err == nil {
			c.queue.Add(key)
		}
	}
	recount := func(object any) {
		if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
			object = gone.Obj
		}
		cluster := object.(*unstructured.Unstructured).GetAnnotations()[clusterAnnotation]
		concerned, _ := c.objects.GetIndexer().IndexKeys(byCluster, cluster)
		for _, key := range concerned {
			c.queue.Add(key)
		}
	}
	for informer, handle := range map[cache.SharedIndexInformer]func(any){c.objects: enqueue, c.counted: recount} {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: handle, UpdateFunc: func(_, object any) { handle(object) }, DeleteFunc: handle,
		})
		if err != nil {
			return err
		}
		go informer.RunWithContext(ctx)
	}
	if !cache.WaitForCacheSync(ctx.Done(), c.objects.HasSynced, c.counted.HasSynced) {
		return ctx.Err()
	}
	fmt.Println("synced")
	c.work(ctx)
	return nil
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: provider EXPORT GROUP RESOURCE")
		os.Exit(2)
	}
	ctx := context.Background()
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err == nil {
		config.QPS, config.Burst = 1000, 1000
		var view string
		view, err = address(ctx, dynamic.NewForConfigOrDie(config), os.Args[1])
		if err == nil {
			all := clientAt(config, view, "*")
			served := schema.GroupVersionResource{Group: os.Args[2], Version: "v1", Resource: os.Args[3]}
			limiter := workqueue.DefaultTypedControllerRateLimiter[string]()
			err = (&controller{
				config: config, view: view, served: served,
				objects: everywhere(all, served), counted: everywhere(all, configMaps),
				queue: workqueue.NewTypedRateLimitingQueue(limiter),
			}).run(ctx)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
