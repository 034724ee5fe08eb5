package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kcp-dev/logicalcluster/v3"
	apisv1alpha1 "github.com/kcp-dev/sdk/apis/apis/v1alpha1"
	apisv1alpha2 "github.com/kcp-dev/sdk/apis/apis/v1alpha2"
	corev1alpha1 "github.com/kcp-dev/sdk/apis/core/v1alpha1"
	conditions "github.com/kcp-dev/sdk/apis/third_party/conditions/apis/conditions/v1alpha1"
	tenancyapply "github.com/kcp-dev/sdk/client/applyconfiguration/tenancy/v1alpha1"
	kcp "github.com/kcp-dev/sdk/client/clientset/versioned/cluster"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
)

// clientsScenario goes from a provider's workspace through a consumer's to the view with kcp's typed clients, which are
// one for all workspaces. The export is widgets.example.com.
func clientsScenario(ctx context.Context, config *rest.Config, _ *runtime.Scheme) error {
	host, here, _ := strings.Cut(config.Host, "/clusters/")
	all := rest.CopyConfig(config)
	all.Host = host
	clients, err := kcp.NewForConfig(all)
	if err != nil {
		return err
	}
	provider := logicalcluster.NewPath(here)

	// A workspace is applied, and watched until it is Ready.
	workspaces := clients.Cluster(provider).TenancyV1alpha1().Workspaces()
	wanted := tenancyapply.Workspace("cellar").WithLabels(map[string]string{"floor": "lowest"}).WithSpec(
		tenancyapply.WorkspaceSpec().WithType(tenancyapply.WorkspaceTypeReference().WithName("universal").WithPath("root")))
	made, err := workspaces.Apply(ctx, wanted, meta.ApplyOptions{FieldManager: "tests", Force: true})
	if err != nil {
		return err
	}
	named := fields.OneTermEqualSelector("metadata.name", "cellar").String()
	events, err := workspaces.Watch(ctx, meta.ListOptions{FieldSelector: named})
	if err != nil {
		return err
	}
	for made.Status.Phase != corev1alpha1.LogicalClusterPhaseReady {
		made, err = workspaces.Get(ctx, "cellar", meta.GetOptions{})
		if err != nil {
			return err
		}
	}
	first := <-events.ResultChan()
	events.Stop()
	consumer := provider.Join("cellar")
	logical, err := clients.Cluster(consumer).CoreV1alpha1().LogicalClusters().Get(ctx, "cluster", meta.GetOptions{})
	if err != nil {
		return err
	}
	say(line{"step": "workspace", "event": first.Type, "cluster": made.Spec.Cluster, "inside": logicalcluster.From(logical),
		"owner": logical.Spec.Owner.Name, "manager": made.ManagedFields[0].Manager})

	// The binding is Bound in the answer; its status tells what was bound.
	binding := &apisv1alpha2.APIBinding{ObjectMeta: meta.ObjectMeta{Name: "widgets"}}
	binding.Spec.Reference.Export = &apisv1alpha2.ExportBindingReference{Path: here, Name: "widgets.example.com"}
	bindings := clients.Cluster(consumer).ApisV1alpha2().APIBindings()
	binding, err = bindings.Create(ctx, binding, meta.CreateOptions{})
	if err != nil {
		return err
	}
	ready := slices.IndexFunc(binding.Status.Conditions, func(c conditions.Condition) bool { return c.Type == "Ready" })
	say(line{"step": "bound", "phase": binding.Status.Phase, "ready": binding.Status.Conditions[ready].Status,
		"resource": binding.Status.BoundResources[0].Resource, "from": binding.Status.APIExportClusterName})
	claims := binding.Status.ExportPermissionClaims
	for _, claim := range claims {
		answer := apisv1alpha2.AcceptablePermissionClaim{State: apisv1alpha2.ClaimAccepted}
		answer.PermissionClaim, answer.Selector.MatchAll = claim, true
		binding.Spec.PermissionClaims = append(binding.Spec.PermissionClaims, answer)
	}
	stale := binding.DeepCopy()
	if binding, err = bindings.Update(ctx, binding, meta.UpdateOptions{}); err != nil {
		return err
	}
	stale.Labels = map[string]string{"too": "late"}
	_, late := bindings.Update(ctx, stale, meta.UpdateOptions{})
	_, own := bindings.UpdateStatus(ctx, binding, meta.UpdateOptions{})
	say(line{"step": "accepted", "claims": len(binding.Status.AppliedPermissionClaims), "conflict": errors.IsConflict(late),
		"forbidden": errors.IsForbidden(own)})

	// The same clients, of the view that the slice names, list and watch what is in all consumers.
	exports := clients.Cluster(provider).ApisV1alpha2().APIExports()
	export, err := exports.Get(ctx, "widgets.example.com", meta.GetOptions{})
	if err != nil {
		return err
	}
	endpoints := clients.Cluster(provider).ApisV1alpha1().APIExportEndpointSlices()
	slice, err := endpoints.Get(ctx, export.Name, meta.GetOptions{})
	for err == nil && len(slice.Status.APIExportEndpoints) == 0 {
		slice, err = endpoints.Get(ctx, export.Name, meta.GetOptions{})
	}
	if err != nil {
		return err
	}
	view := rest.CopyConfig(config)
	view.Host = slice.Status.APIExportEndpoints[0].URL
	inView, err := kcp.NewForConfig(view)
	if err != nil {
		return err
	}
	found, err := inView.ApisV1alpha2().APIBindings().List(ctx, meta.ListOptions{})
	if err != nil {
		return err
	}
	if len(found.Items) != 1 {
		return fmt.Errorf("%d bindings are in the view", len(found.Items))
	}
	ends, err := inView.ApisV1alpha1().APIBindings().Watch(ctx, meta.ListOptions{ResourceVersion: found.ResourceVersion})
	if err != nil {
		return err
	}
	if err := bindings.Delete(ctx, "widgets", meta.DeleteOptions{}); err != nil {
		return err
	}
	var last watch.Event
	for last = range ends.ResultChan() {
		if last.Type == watch.Deleted {
			break
		}
	}
	ends.Stop()
	gone, deleted := last.Object.(*apisv1alpha1.APIBinding)
	if !deleted {
		return fmt.Errorf("the watch ended with %s", last.Type)
	}
	say(line{"step": "view", "identity": export.Status.IdentityHash != "", "bound": logicalcluster.From(&found.Items[0]),
		"gone": logicalcluster.From(gone)})
	return workspaces.Delete(ctx, "cellar", meta.DeleteOptions{})
}
