// Command lifecycle is an initializer or a terminator of workspaces, as users of client-go write it: it watches a view
// for the logical clusters that wait for it, does its work in each of them, and takes its name off the list. The view's
// URL is the server of $KUBECONFIG; the first line of input is an order. It tells each step, one JSON object a line, and
// waits at those the order names for a line of input.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	authentication "k8s.io/api/authentication/v1"
	core "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/retry"
	"k8s.io/client-go/util/workqueue"
)

// order is what one controller is told: the list it is in (initializers, terminators), its name there, how it takes it
// off, the workspace it keeps its books in, and where to pause.
type order struct {
	Field  string   `json:"field"`
	Name   string   `json:"name"`
	Way    string   `json:"way"`
	Ledger string   `json:"ledger"`
	Pauses []string `json:"pauses"`
}

var (
	logicalClusters = schema.GroupVersionResource{Group: "core.kcp.io", Version: "v1alpha1", Resource: "logicalclusters"}
	output          = json.NewEncoder(os.Stdout)
	input           = bufio.NewReader(os.Stdin)
)

type controller struct {
	order
	config *rest.Config
	queue  workqueue.TypedRateLimitingInterface[string]
	seen   *seen
	paused map[[2]string]bool
}

func main() {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err == nil {
		var text []byte
		if text, err = input.ReadBytes('\n'); err == nil {
			one := &controller{config: config, paused: map[[2]string]bool{}}
			if err = json.Unmarshal(text, &one.order); err == nil {
				err = one.run(context.Background())
			}
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// step tells where the work is, and waits there if that was ordered.
func (c *controller) step(at, cluster string, more map[string]any) {
	line := map[string]any{"at": at, "cluster": cluster}
	for key, value := range more {
		line[key] = value
	}
	if err := output.Encode(line); err != nil {
		os.Exit(1)
	}
	if place := [2]string{at, cluster}; slices.Contains(c.Pauses, at) && !c.paused[place] {
		c.paused[place] = true // once: what has failed is done again, through the same steps
		if _, err := input.ReadString('\n'); err != nil {
			os.Exit(1)
		}
	}
}

// inside is the configuration of clients of one logical cluster, or of all, seen through the view.
func (c *controller) inside(cluster string) *rest.Config {
	config := rest.CopyConfig(c.config)
	config.Host += "/clusters/" + cluster
	config.QPS, config.Burst, config.Timeout = 1000, 1000, 10*time.Second
	return config
}

func (c *controller) run(ctx context.Context) error {
	limiter := workqueue.NewTypedItemExponentialFailureRateLimiter[string](50*time.Millisecond, time.Second)
	c.queue = workqueue.NewTypedRateLimitingQueue(limiter)
	config := c.inside("*")
	config.Timeout = 0
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	c.seen = follow(ctx, client.Resource(logicalClusters), c.queue)
	for {
		cluster, down := c.queue.Get()
		if down {
			return errors.New("the queue is shut down")
		}
		if err := c.work(ctx, cluster); err != nil {
			fmt.Fprintln(os.Stderr, cluster, err)
			c.queue.AddRateLimited(cluster)
		} else {
			c.queue.Forget(cluster)
		}
		c.queue.Done(cluster)
	}
}

// work does everything for one logical cluster. It may have been done before, in part or as a whole.
func (c *controller) work(ctx context.Context, cluster string) error {
	if c.seen.get(cluster) == nil {
		return nil
	}
	c.step("seen", cluster, nil)
	content, err := kubernetes.NewForConfig(c.inside(cluster))
	if err != nil {
		return err
	}
	who, err := content.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authentication.SelfSubjectReview{}, meta.CreateOptions{})
	if err != nil {
		return err
	}
	if c.Field == "initializers" {
		err = c.seed(ctx, content, cluster)
	} else {
		err = c.bill(ctx, content, cluster)
	}
	if err != nil {
		return err
	}
	c.step("worked", cluster, map[string]any{"user": who.Status.UserInfo.Username, "groups": who.Status.UserInfo.Groups})
	client, err := dynamic.NewForConfig(c.inside(cluster))
	if err != nil {
		return err
	}
	one := client.Resource(logicalClusters)
	if err := retry.RetryOnConflict(retry.DefaultRetry, func() error { return c.tell(ctx, one) }); err != nil {
		return gone(err)
	}
	c.step("told", cluster, nil)
	if err := retry.RetryOnConflict(retry.DefaultRetry, func() error { return c.leave(ctx, one) }); err != nil {
		return gone(err)
	}
	c.step("left", cluster, nil)
	return nil
}

// gone makes nothing of the error that a logical cluster does not wait any more.
func gone(err error) error {
	if kerrors.IsNotFound(err) {
		return nil
	}
	return err
}

// seed writes what every workspace begins with.
func (c *controller) seed(ctx context.Context, content kubernetes.Interface, cluster string) error {
	for _, name := range []string{"seed-1", "seed-2"} {
		obj := &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Name: name}, Data: map[string]string{"of": c.Name}}
		_, err := content.CoreV1().ConfigMaps("default").Create(ctx, obj, meta.CreateOptions{})
		if err != nil && !kerrors.IsAlreadyExists(err) {
			return err
		}
		c.step(name, cluster, nil)
	}
	return nil
}

// bill looks into the workspace that ends and writes a bill for it where the controller keeps its books.
func (c *controller) bill(ctx context.Context, content kubernetes.Interface, cluster string) error {
	if _, err := content.CoreV1().Namespaces().List(ctx, meta.ListOptions{}); err != nil {
		return err
	}
	c.step("seed-1", cluster, nil)
	config := rest.CopyConfig(c.config)
	config.Host = c.Ledger
	books, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	obj := &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Name: "bill-" + cluster}, Data: map[string]string{"of": c.Name}}
	_, err = books.CoreV1().ConfigMaps("default").Create(ctx, obj, meta.CreateOptions{})
	if err != nil && !kerrors.IsAlreadyExists(err) {
		return err
	}
	c.step("seed-2", cluster, nil)
	return nil
}

// tell says in a condition that the work is done.
func (c *controller) tell(ctx context.Context, client dynamic.ResourceInterface) error {
	live, err := client.Get(ctx, "cluster", meta.GetOptions{})
	if err != nil {
		return err
	}
	conditions, _, _ := unstructured.NestedSlice(live.Object, "status", "conditions")
	conditions = slices.DeleteFunc(conditions, func(one any) bool { return one.(map[string]any)["type"] == "Worked" })
	conditions = append(conditions, map[string]any{
		"type": "Worked", "status": "True", "lastTransitionTime": time.Now().UTC().Format(time.RFC3339),
	})
	if err := unstructured.SetNestedSlice(live.Object, conditions, "status", "conditions"); err != nil {
		return err
	}
	_, err = client.UpdateStatus(ctx, live, meta.UpdateOptions{})
	return err
}
