// Command go_client is a program as users of client-go write it: each scenario uses one part of the library with its
// defaults against the server of $KUBECONFIG, and tells what it saw, one JSON object a line. It exits with 1 and a line
// {"error": ...} where the library returned an error that the scenario did not expect.
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

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

type line map[string]any

var scenarios = map[string]func(context.Context, *rest.Config) error{
	"apply":     applyScenario,
	"chunks":    chunksScenario,
	"conflicts": conflictsScenario,
	"discovery": discoveryScenario,
	"dynamic":   dynamicScenario,
	"errors":    errorsScenario,
	"informers": informersScenario,
	"leader":    leaderScenario,
	"metadata":  metadataScenario,
	"partial":   partialScenario,
	"openapi":   openapiScenario,
	"typed":     typedScenario,
	"watch":     watchScenario,
}

var (
	output  = json.NewEncoder(os.Stdout)
	writing sync.Mutex
	input   = bufio.NewReader(os.Stdin)
)

// say prints one line; scenarios may do so from many goroutines.
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
		fmt.Fprintln(os.Stderr, "usage: go_client SCENARIO")
		os.Exit(2)
	}
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err == nil {
		config.QPS, config.Burst = 1000, 1000
		var stop context.CancelFunc
		ctx, stop := context.WithTimeout(context.Background(), 100*time.Second)
		err = scenarios[os.Args[1]](ctx, config)
		stop()
	}
	if err != nil {
		say(line{"error": err.Error()})
		os.Exit(1)
	}
}

// recorder notes the media types that went over the wire.
type recorder struct {
	next http.RoundTripper
	mu   sync.Mutex
	seen map[string]bool
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := r.next.RoundTrip(request)
	r.mu.Lock()
	defer r.mu.Unlock()
	if sent := request.Header.Get("Content-Type"); sent != "" {
		r.seen["sent "+sent] = true
	}
	if err == nil {
		r.seen["received "+response.Header.Get("Content-Type")] = true
	}
	return response, err
}

// recorded is a copy of config whose requests are noted in the recorder.
func recorded(config *rest.Config) (*rest.Config, *recorder) {
	notes := &recorder{seen: map[string]bool{}}
	copied := rest.CopyConfig(config)
	copied.Wrap(func(next http.RoundTripper) http.RoundTripper {
		notes.next = next
		return notes
	})
	return copied, notes
}

// media is what was noted, sorted.
func (r *recorder) media() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.seen))
}

func typedClient(config *rest.Config) *kubernetes.Clientset {
	return kubernetes.NewForConfigOrDie(config)
}
