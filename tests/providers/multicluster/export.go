package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kcp-dev/logicalcluster/v3"
	"github.com/kcp-dev/multicluster-provider/apiexport"
	pathaware "github.com/kcp-dev/multicluster-provider/path-aware"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/multicluster-runtime/pkg/builder"
	"sigs.k8s.io/multicluster-runtime/pkg/manager"
	"sigs.k8s.io/multicluster-runtime/pkg/multicluster"
	"sigs.k8s.io/multicluster-runtime/pkg/reconcile"
)

const finalizer = "example.com/workshop"

// exportScenario serves every consumer of the export widgets.example.com until the end of input. The cues are
// "size <n>", "size <n> <cluster>" and "own <cluster>", which are answered from the caches.
func exportScenario(ctx context.Context, config *rest.Config, scheme *runtime.Scheme) error {
	provider, err := apiexport.New(config, "widgets.example.com", apiexport.Options{Scheme: scheme})
	if err != nil {
		return err
	}
	return serve(ctx, config, provider, provider)
}

// pathScenario is the same with a provider that knows clusters by their paths, too.
func pathScenario(ctx context.Context, config *rest.Config, scheme *runtime.Scheme) error {
	provider, err := pathaware.New(config, "widgets.example.com", apiexport.Options{Scheme: scheme})
	if err != nil {
		return err
	}
	return serve(ctx, config, provider, provider.Provider)
}

func serve(ctx context.Context, config *rest.Config, clusters multicluster.Provider, provider *apiexport.Provider) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	mgr, err := manager.New(config, clusters, options)
	if err != nil {
		return err
	}
	size := func(object client.Object) []string { return []string{strconv.Itoa(object.(*Widget).Spec.Size)} }
	if err := provider.IndexField(ctx, &Widget{}, "size", size); err != nil {
		return err
	}
	if err := mgr.Add(engagements{}); err != nil {
		return err
	}
	err = builder.ControllerManagedBy(mgr).Named("widgets").For(&Widget{}).Owns(&core.ConfigMap{}).Complete(&workshop{mgr})
	if err != nil {
		return err
	}
	go cues(stop, func(text string) error { return answer(ctx, mgr, provider, strings.Fields(text)) })
	return mgr.Start(ctx)
}

// answer says what the caches hold: that of all clusters, or that of one.
func answer(ctx context.Context, mgr manager.Manager, provider *apiexport.Provider, words []string) error {
	var found WidgetList
	switch {
	case words[0] == "size" && len(words) == 2:
		if err := provider.Lister().List(ctx, &found, client.MatchingFields{"size": words[1]}); err != nil {
			return err
		}
	case words[0] == "size":
		cluster, err := mgr.GetCluster(ctx, multicluster.ClusterName(words[2]))
		if err != nil {
			return err
		}
		if err := cluster.GetCache().List(ctx, &found, client.MatchingFields{"size": words[1]}); err != nil {
			return err
		}
	case words[0] == "own":
		cluster, err := mgr.GetCluster(ctx, multicluster.ClusterName(words[1]))
		if err != nil {
			return err
		}
		if err := cluster.GetClient().List(ctx, &found, client.InNamespace("default")); err != nil {
			return err
		}
	}
	names := make([]string, 0, len(found.Items))
	for _, widget := range found.Items {
		names = append(names, logicalcluster.From(&widget).String()+"/"+widget.Name)
	}
	slices.Sort(names)
	say(line{"answer": strings.Join(words, " "), "names": names})
	return nil
}

// workshop keeps a ConfigMap beside every Widget in the consumer's workspace.
type workshop struct{ manager.Manager }

func (w *workshop) Reconcile(ctx context.Context, request reconcile.Request) (ctrl.Result, error) {
	cluster, err := w.GetCluster(ctx, request.ClusterName)
	if err != nil {
		return ctrl.Result{}, err
	}
	c := cluster.GetClient()
	var widget Widget
	if err := c.Get(ctx, request.NamespacedName, &widget); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if logicalcluster.From(&widget).String() != string(request.ClusterName) {
		return ctrl.Result{}, fmt.Errorf("%s is of another cluster than %s", widget.Name, request.ClusterName)
	}
	if !widget.DeletionTimestamp.IsZero() {
		if !controllerutil.RemoveFinalizer(&widget, finalizer) {
			return ctrl.Result{}, nil
		}
		// Not before: a reconcile on a cache that is behind is refused, and comes back.
		if err := c.Update(ctx, &widget); err != nil {
			return ctrl.Result{}, client.IgnoreNotFound(err)
		}
		say(line{"event": "scrapped", "cluster": request.ClusterName, "widget": widget.Name})
		return ctrl.Result{}, nil
	}
	if controllerutil.AddFinalizer(&widget, finalizer) {
		return ctrl.Result{}, c.Update(ctx, &widget)
	}

	made := &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Namespace: widget.Namespace, Name: widget.Name + "-widget"}}
	result, err := controllerutil.CreateOrUpdate(ctx, c, made, func() error {
		made.Data = map[string]string{"size": strconv.Itoa(widget.Spec.Size)}
		return controllerutil.SetControllerReference(&widget, made, cluster.GetScheme())
	})
	if err != nil {
		return ctrl.Result{}, err
	}
	if result != controllerutil.OperationResultNone {
		recorder := cluster.GetEventRecorder("workshop")
		recorder.Eventf(&widget, made, core.EventTypeNormal, "Built", "Build", "config map %s was %s", made.Name, result)
	}
	widget.Status = WidgetStatus{Phase: "Ready", ObservedGeneration: widget.Generation}
	if err := c.Status().Update(ctx, &widget); err != nil {
		return ctrl.Result{}, err
	}
	say(line{
		"event": "built", "cluster": request.ClusterName, "widget": widget.Name, "generation": widget.Generation,
		"result": result,
	})
	return ctrl.Result{}, nil
}
