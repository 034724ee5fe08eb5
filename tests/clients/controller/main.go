// Command controller is written with controller-runtime as its users do, with the library's defaults. It prints lines of
// JSON, and an error where something happens that its scenario did not expect.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

type line map[string]any

var scenarios = map[string]func(context.Context, *rest.Config, *runtime.Scheme) error{
	"cache":   cacheScenario,
	"client":  clientScenario,
	"manager": managerScenario,
}

var (
	output  = json.NewEncoder(os.Stdout)
	writing sync.Mutex
	input   = bufio.NewReader(os.Stdin)
)

// say prints one line; reconcilers may do so from many goroutines.
func say(fields line) {
	writing.Lock()
	defer writing.Unlock()
	if err := output.Encode(fields); err != nil {
		panic(err)
	}
}

// cue waits for the test's next line on standard input, and is empty at its end.
func cue() string {
	text, _ := input.ReadString('\n')
	return strings.TrimSpace(text)
}

func main() {
	if len(os.Args) != 2 || scenarios[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: controller SCENARIO")
		os.Exit(2)
	}
	ctrl.SetLogger(klog.Background())
	addPlanets(scheme.Scheme)
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

// managerScenario runs one manager until the end of input, when it gives its lease back.
func managerScenario(ctx context.Context, config *rest.Config, scheme *runtime.Scheme) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	media := &media{seen: map[string]bool{}}
	config.Wrap(media.note)
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		LeaderElection:                true,
		LeaderElectionID:              "planets",
		LeaderElectionNamespace:       "default",
		LeaderElectionReleaseOnCancel: true,
		Metrics:                       server.Options{BindAddress: "0"},
	})
	if err != nil {
		return err
	}
	reconciler := &Reconciler{Client: manager.GetClient(), events: manager.GetEventRecorder("planets")}
	if err := reconciler.SetupWithManager(manager); err != nil {
		return err
	}
	go func() {
		<-manager.Elected()
		say(line{"event": "elected"})
	}()
	go func() {
		for text := cue(); text != ""; text = cue() {
			say(line{"event": "media", "media": media.sorted()})
		}
		stop()
	}()
	return manager.Start(ctx)
}

// media is what went over the wire: the resource, what was done, and the media type of the answer.
type media struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (m *media) note(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(request)
		if err == nil {
			_, path, _ := strings.Cut(request.URL.Path, "/namespaces/default/")
			if path == "" {
				path = request.URL.Path[strings.LastIndex(request.URL.Path, "/")+1:]
			}
			m.mu.Lock()
			defer m.mu.Unlock()
			m.seen[request.Method+" "+strings.Split(path, "/")[0]+" "+response.Header.Get("Content-Type")] = true
		}
		return response, err
	})
}

func (m *media) sorted() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.seen))
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
