package main

import (
	"context"
	"slices"

	"github.com/kcp-dev/multicluster-provider/initializingworkspaces"
	"github.com/kcp-dev/sdk/apis/core"
	corev1alpha1 "github.com/kcp-dev/sdk/apis/core/v1alpha1"
	"github.com/kcp-dev/sdk/apis/tenancy/initialization"
	tenancyv1alpha1 "github.com/kcp-dev/sdk/apis/tenancy/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/multicluster-runtime/pkg/builder"
	"sigs.k8s.io/multicluster-runtime/pkg/manager"
	"sigs.k8s.io/multicluster-runtime/pkg/reconcile"
)

// initializerScenario prepares workspaces of the type "furnished" until the end of input.
func initializerScenario(ctx context.Context, config *rest.Config, scheme *runtime.Scheme) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	direct, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return err
	}
	var kind tenancyv1alpha1.WorkspaceType
	if err := direct.Get(ctx, client.ObjectKey{Name: "furnished"}, &kind); err != nil {
		return err
	}
	provider, err := initializingworkspaces.New(config, kind.Name, initializingworkspaces.Options{Scheme: scheme})
	if err != nil {
		return err
	}
	mgr, err := manager.New(config, provider, options)
	if err != nil {
		return err
	}
	if err := mgr.Add(engagements{}); err != nil {
		return err
	}
	one := &furnisher{mgr, initialization.InitializerForType(&kind)}
	if err := builder.ControllerManagedBy(mgr).Named("furnisher").For(&corev1alpha1.LogicalCluster{}).Complete(one); err != nil {
		return err
	}
	go cues(stop, func(string) error { return nil })
	return mgr.Start(ctx)
}

// furnisher puts a ConfigMap and a child into every new workspace, and takes its initializer off.
type furnisher struct {
	manager.Manager
	initializer corev1alpha1.LogicalClusterInitializer
}

func (f *furnisher) Reconcile(ctx context.Context, request reconcile.Request) (ctrl.Result, error) {
	cluster, err := f.GetCluster(ctx, request.ClusterName)
	if err != nil {
		return ctrl.Result{}, err
	}
	c := cluster.GetClient()
	var logical corev1alpha1.LogicalCluster
	if err := c.Get(ctx, request.NamespacedName, &logical); err != nil {
		// Whoever is done may no longer look.
		return ctrl.Result{}, ignoreForbidden(client.IgnoreNotFound(err))
	}
	if !slices.Contains(logical.Status.Initializers, f.initializer) {
		return ctrl.Result{}, nil
	}
	path := logical.Annotations[core.LogicalClusterPathAnnotationKey]
	inventory := &corev1.ConfigMap{
		ObjectMeta: meta.ObjectMeta{Namespace: "default", Name: "inventory"}, Data: map[string]string{"path": path},
	}
	child := &tenancyv1alpha1.Workspace{ObjectMeta: meta.ObjectMeta{Name: "attic"}}
	for _, made := range []client.Object{inventory, child} {
		if err := c.Create(ctx, made); err != nil && !errors.IsAlreadyExists(err) {
			return ctrl.Result{}, err
		}
	}
	before := logical.DeepCopy()
	logical.Status.Initializers = initialization.EnsureInitializerAbsent(f.initializer, logical.Status.Initializers)
	if err := c.Status().Patch(ctx, &logical, client.MergeFrom(before)); err != nil {
		return ctrl.Result{}, err
	}
	say(line{"event": "furnished", "cluster": request.ClusterName, "path": path})
	return ctrl.Result{}, nil
}

func ignoreForbidden(err error) error {
	if errors.IsForbidden(err) {
		return nil
	}
	return err
}
