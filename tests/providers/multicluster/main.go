// Command multicluster is written with multicluster-runtime and kcp's provider for it, as their users write controllers
// for all workspaces at once, and with kcp's typed clients. It prints lines of JSON, and an error where something
// happens that its scenario did not expect.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	apisv1alpha1 "github.com/kcp-dev/sdk/apis/apis/v1alpha1"
	corev1alpha1 "github.com/kcp-dev/sdk/apis/core/v1alpha1"
	tenancyv1alpha1 "github.com/kcp-dev/sdk/apis/tenancy/v1alpha1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/multicluster-runtime/pkg/manager"
	"sigs.k8s.io/multicluster-runtime/pkg/multicluster"
)

type line map[string]any

var scenarios = map[string]func(context.Context, *rest.Config, *runtime.Scheme) error{
	"clients":     clientsScenario,
	"export":      exportScenario,
	"initializer": initializerScenario,
	"paths":       pathScenario,
	"publish":     publishScenario,
}

var (
	output  = json.NewEncoder(os.Stdout)
	writing sync.Mutex
	input   = bufio.NewReader(os.Stdin)
	options = manager.Options{Metrics: server.Options{BindAddress: "0"}}
)

// say prints one line; reconcilers may do so from many goroutines.
func say(fields line) {
	writing.Lock()
	defer writing.Unlock()
	if err := output.Encode(fields); err != nil {
		panic(err)
	}
}

// cues calls answer with each line of standard input, and stop at its end.
func cues(stop func(), answer func(string) error) {
	defer stop()
	for {
		text, _ := input.ReadString('\n')
		if text == "" {
			return
		}
		if err := answer(strings.TrimSpace(text)); err != nil {
			say(line{"error": err.Error()})
		}
	}
}

// engagements tells which clusters come and go, by the names of their logical clusters.
type engagements struct{}

func (engagements) Start(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

func (engagements) Engage(ctx context.Context, name multicluster.ClusterName, _ cluster.Cluster) error {
	say(line{"event": "engaged", "cluster": name})
	context.AfterFunc(ctx, func() { say(line{"event": "gone", "cluster": name}) })
	return nil
}

func main() {
	if len(os.Args) != 2 || scenarios[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: multicluster SCENARIO")
		os.Exit(2)
	}
	ctrl.SetLogger(klog.Background())
	addWidgets(scheme.Scheme)
	for _, add := range []func(*runtime.Scheme) error{
		apisv1alpha1.AddToScheme, corev1alpha1.AddToScheme, tenancyv1alpha1.AddToScheme,
	} {
		if err := add(scheme.Scheme); err != nil {
			panic(err)
		}
	}
	ctx, stop := context.WithTimeout(context.Background(), 100*time.Second)
	defer stop()
	config, err := ctrl.GetConfig()
	if err == nil {
		err = scenarios[os.Args[1]](ctx, config, scheme.Scheme)
	}
	if err != nil {
		say(line{"error": err.Error()})
		os.Exit(1)
	}
}
