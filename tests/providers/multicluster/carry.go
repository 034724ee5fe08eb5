package main

import (
	"context"
	"maps"
	"reflect"
	"strings"

	"github.com/kcp-dev/sdk/apis/core"
	corev1alpha1 "github.com/kcp-dev/sdk/apis/core/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/source"
	"sigs.k8s.io/multicluster-runtime/pkg/builder"
	"sigs.k8s.io/multicluster-runtime/pkg/manager"
	"sigs.k8s.io/multicluster-runtime/pkg/multicluster"
	"sigs.k8s.io/multicluster-runtime/pkg/reconcile"
)

// The annotations by which an object of the service cluster says what it was carried from.
const (
	originCluster   = "agents.example.com/cluster"
	originNamespace = "agents.example.com/namespace"
	originName      = "agents.example.com/object"
	originPath      = "agents.example.com/path"
)

// carry has a manager, whose own cluster is the service cluster, carry objects there and their status back.
func carry(mgr manager.Manager, definition *apiextensions.CustomResourceDefinition) error {
	kind := schema.GroupVersionKind{
		Group: definition.Spec.Group, Version: definition.Spec.Versions[0].Name, Kind: definition.Spec.Names.Kind,
	}
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	back := handler.TypedEnqueueRequestsFromMapFunc(
		func(_ context.Context, local *unstructured.Unstructured) []reconcile.Request {
			from := local.GetAnnotations()
			request := reconcile.Request{ClusterName: multicluster.ClusterName(from[originCluster])}
			request.NamespacedName = types.NamespacedName{Namespace: from[originNamespace], Name: from[originName]}
			return []reconcile.Request{request}
		})
	if err := mgr.Add(engagements{}); err != nil {
		return err
	}
	return builder.ControllerManagedBy(mgr).Named("carrier").For(object).
		WatchesRawSource(source.TypedKind(mgr.GetLocalManager().GetCache(), object.DeepCopy(), back)).
		Complete(&carrier{mgr, kind})
}

type carrier struct {
	manager.Manager
	kind schema.GroupVersionKind
}

func (c *carrier) Reconcile(ctx context.Context, request reconcile.Request) (ctrl.Result, error) {
	cluster, err := c.GetCluster(ctx, request.ClusterName)
	if err != nil {
		return ctrl.Result{}, err
	}
	view, service := cluster.GetClient(), c.GetLocalManager().GetClient()
	remote, local := &unstructured.Unstructured{}, &unstructured.Unstructured{}
	remote.SetGroupVersionKind(c.kind)
	local.SetGroupVersionKind(c.kind)
	if err := view.Get(ctx, request.NamespacedName, remote); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	key := types.NamespacedName{Namespace: string(request.ClusterName), Name: request.Namespace + "-" + request.Name}
	there := service.Get(ctx, key, local)
	if client.IgnoreNotFound(there) != nil {
		return ctrl.Result{}, there
	}
	if remote.GetDeletionTimestamp() != nil {
		if there == nil {
			return ctrl.Result{}, client.IgnoreNotFound(service.Delete(ctx, local))
		}
		if !controllerutil.RemoveFinalizer(remote, finalizer) {
			return ctrl.Result{}, nil
		}
		say(line{"event": "returned", "cluster": request.ClusterName, "name": request.Name})
		return ctrl.Result{}, view.Update(ctx, remote)
	}
	if controllerutil.AddFinalizer(remote, finalizer) {
		return ctrl.Result{}, view.Update(ctx, remote)
	}
	if there != nil {
		return ctrl.Result{}, c.take(ctx, view, remote, key)
	}
	if !reflect.DeepEqual(local.Object["spec"], remote.Object["spec"]) {
		local.Object["spec"] = remote.Object["spec"]
		return ctrl.Result{}, service.Update(ctx, local)
	}
	if local.Object["status"] == nil || reflect.DeepEqual(local.Object["status"], remote.Object["status"]) {
		return ctrl.Result{}, nil
	}
	if err := c.relate(ctx, view, remote, key); err != nil {
		return ctrl.Result{}, err
	}
	remote.Object["status"] = local.Object["status"]
	if err := view.Status().Update(ctx, remote); err != nil {
		return ctrl.Result{}, err
	}
	recorder := cluster.GetEventRecorderFor("carrier") //nolint:staticcheck // it is what the agent uses
	recorder.Event(remote, corev1.EventTypeNormal, "StatusReturned", "the status was brought back")
	say(line{"event": "told", "cluster": request.ClusterName, "name": request.Name})
	return ctrl.Result{}, nil
}

// take makes the object of the service cluster, without what only says how the consumer's object is served.
func (c *carrier) take(ctx context.Context, view client.Client, remote *unstructured.Unstructured, key client.ObjectKey) error {
	var logical corev1alpha1.LogicalCluster
	if err := view.Get(ctx, client.ObjectKey{Name: corev1alpha1.LogicalClusterName}, &logical); err != nil {
		return err
	}
	service := c.GetLocalManager().GetClient()
	namespace := &corev1.Namespace{ObjectMeta: meta.ObjectMeta{Name: key.Namespace}}
	if err := service.Create(ctx, namespace); err != nil && !errors.IsAlreadyExists(err) {
		return err
	}
	labels := maps.Clone(remote.GetLabels())
	maps.DeleteFunc(labels, func(name, _ string) bool { return strings.HasPrefix(name, "claimed.internal.apis.kcp.io/") })
	made := &unstructured.Unstructured{Object: map[string]any{"spec": remote.Object["spec"]}}
	made.SetGroupVersionKind(c.kind)
	made.SetNamespace(key.Namespace)
	made.SetName(key.Name)
	made.SetLabels(labels)
	made.SetAnnotations(map[string]string{
		originCluster: key.Namespace, originNamespace: remote.GetNamespace(), originName: remote.GetName(),
		originPath: logical.Annotations[core.LogicalClusterPathAnnotationKey],
	})
	if err := service.Create(ctx, made); err != nil && !errors.IsAlreadyExists(err) {
		return err
	}
	say(line{"event": "taken", "cluster": key.Namespace, "name": remote.GetName()})
	return nil
}

// relate brings the Secret beside an object of the service cluster, if there is one, to the consumer's namespace "keys".
func (c *carrier) relate(ctx context.Context, view client.Client, remote *unstructured.Unstructured, key client.ObjectKey) error {
	var found corev1.Secret
	if err := c.GetLocalManager().GetAPIReader().Get(ctx, key, &found); err != nil {
		return client.IgnoreNotFound(err)
	}
	var namespace corev1.Namespace
	err := view.Get(ctx, client.ObjectKey{Name: "keys"}, &namespace)
	if errors.IsNotFound(err) {
		namespace.Name = "keys"
		err = view.Create(ctx, &namespace)
	}
	if err != nil && !errors.IsAlreadyExists(err) {
		return err
	}
	copied := &corev1.Secret{ObjectMeta: meta.ObjectMeta{Namespace: "keys", Name: remote.GetName()}}
	if err := view.Get(ctx, client.ObjectKeyFromObject(copied), copied); err == nil {
		before := copied.DeepCopy()
		copied.Data = found.Data
		return view.Patch(ctx, copied, client.MergeFrom(before))
	} else if !errors.IsNotFound(err) {
		return err
	}
	copied.Data = found.Data
	return view.Create(ctx, copied)
}
