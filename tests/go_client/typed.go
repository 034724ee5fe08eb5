package main

import (
	"context"
	"fmt"
	"time"

	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"
)

// typed is what every generated client of a namespaced or cluster-scoped type can do.
type typed[T runtime.Object, L runtime.Object] interface {
	Create(context.Context, T, meta.CreateOptions) (T, error)
	Update(context.Context, T, meta.UpdateOptions) (T, error)
	Get(context.Context, string, meta.GetOptions) (T, error)
	List(context.Context, meta.ListOptions) (L, error)
	Watch(context.Context, meta.ListOptions) (watch.Interface, error)
	Patch(context.Context, string, types.PatchType, []byte, meta.PatchOptions, ...string) (T, error)
	Delete(context.Context, string, meta.DeleteOptions) error
}

// roundTrip takes an object through its life with the typed client and tells what came of it.
func roundTrip[T runtime.Object, L runtime.Object](ctx context.Context, kind string, client typed[T, L], obj T) error {
	watched, err := client.Watch(ctx, meta.ListOptions{FieldSelector: "metadata.name=" + accessor(obj).GetName()})
	if err != nil {
		return fmt.Errorf("watch %s: %w", kind, err)
	}
	defer watched.Stop()
	made, err := client.Create(ctx, obj, meta.CreateOptions{})
	if err != nil {
		return fmt.Errorf("create %s: %w", kind, err)
	}
	name := accessor(made).GetName()
	updated := made
	// As everybody should: the server may have counted what a quota limits in between.
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		present, err := client.Get(ctx, name, meta.GetOptions{})
		if err != nil {
			return err
		}
		accessor(present).SetLabels(map[string]string{"step": "updated"})
		updated, err = client.Update(ctx, present, meta.UpdateOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("update %s: %w", kind, err)
	}
	patched, err := client.Patch(ctx, name, types.StrategicMergePatchType,
		[]byte(`{"metadata":{"annotations":{"step":"patched"}}}`), meta.PatchOptions{})
	if err != nil {
		return fmt.Errorf("patch %s: %w", kind, err)
	}
	found, err := client.Get(ctx, name, meta.GetOptions{})
	if err != nil {
		return fmt.Errorf("get %s: %w", kind, err)
	}
	if _, err = client.List(ctx, meta.ListOptions{LabelSelector: "step=updated"}); err != nil {
		return fmt.Errorf("list %s: %w", kind, err)
	}
	if err = client.Delete(ctx, name, meta.DeleteOptions{}); err != nil {
		return fmt.Errorf("delete %s: %w", kind, err)
	}
	events := []string{}
	for len(events) == 0 || events[len(events)-1] != string(watch.Deleted) {
		select {
		case event, open := <-watched.ResultChan():
			if !open {
				return fmt.Errorf("watch %s ended after %v", kind, events)
			}
			events = append(events, string(event.Type))
		case <-time.After(10 * time.Second):
			return fmt.Errorf("watch %s: only %v came", kind, events)
		}
	}
	say(line{
		"kind": kind, "name": name, "labels": accessor(found).GetLabels(), "step": accessor(found).GetAnnotations()["step"],
		"moved":  accessor(made).GetResourceVersion() != accessor(updated).GetResourceVersion(),
		"latest": accessor(patched).GetResourceVersion() == accessor(found).GetResourceVersion(), "events": events,
	})
	return nil
}

func named(name string) meta.ObjectMeta { return meta.ObjectMeta{Name: name} }

func typedScenario(ctx context.Context, config *rest.Config) error {
	config, notes := recorded(config)
	client := typedClient(config)
	inCore, inRBAC := client.CoreV1(), client.RbacV1()
	holder, seconds := "somebody", int32(30)
	rules := []rbac.PolicyRule{{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"get"}}}
	subjects := []rbac.Subject{{Kind: "User", APIGroup: rbac.GroupName, Name: "nobody"}}
	steps := []func() error{
		func() error {
			return roundTrip(ctx, "ConfigMap", inCore.ConfigMaps("default"),
				&core.ConfigMap{ObjectMeta: named("typed"), Data: map[string]string{"a": "b"}, BinaryData: map[string][]byte{"c": {0, 255}}})
		},
		func() error {
			return roundTrip(ctx, "Secret", inCore.Secrets("default"),
				&core.Secret{ObjectMeta: named("typed"), Data: map[string][]byte{"a": []byte("b")}, StringData: map[string]string{"c": "d"}})
		},
		func() error {
			return roundTrip(ctx, "ServiceAccount", inCore.ServiceAccounts("default"), &core.ServiceAccount{ObjectMeta: named("typed")})
		},
		func() error {
			return roundTrip(ctx, "ResourceQuota", inCore.ResourceQuotas("default"), &core.ResourceQuota{ObjectMeta: named("typed"),
				Spec: core.ResourceQuotaSpec{Hard: core.ResourceList{"count/widgets.example.com": resource.MustParse("10")}}})
		},
		func() error {
			return roundTrip(ctx, "Event", inCore.Events("default"), &core.Event{ObjectMeta: named("typed"), Reason: "Typed", Message: "made",
				InvolvedObject: core.ObjectReference{Kind: "ConfigMap", Namespace: "default", Name: "typed"}, FirstTimestamp: meta.Now()})
		},
		func() error {
			return roundTrip(ctx, "Lease", client.CoordinationV1().Leases("default"), &coordination.Lease{ObjectMeta: named("typed"),
				Spec: coordination.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: &seconds, RenewTime: &meta.MicroTime{Time: time.Now()}}})
		},
		func() error {
			return roundTrip(ctx, "Role", inRBAC.Roles("default"), &rbac.Role{ObjectMeta: named("typed"), Rules: rules})
		},
		func() error {
			return roundTrip(ctx, "RoleBinding", inRBAC.RoleBindings("default"), &rbac.RoleBinding{ObjectMeta: named("typed"), Subjects: subjects,
				RoleRef: rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "Role", Name: "typed"}})
		},
		func() error {
			return roundTrip(ctx, "ClusterRole", inRBAC.ClusterRoles(), &rbac.ClusterRole{ObjectMeta: named("typed"), Rules: rules})
		},
		func() error {
			return roundTrip(ctx, "ClusterRoleBinding", inRBAC.ClusterRoleBindings(), &rbac.ClusterRoleBinding{ObjectMeta: named("typed"), Subjects: subjects,
				RoleRef: rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "ClusterRole", Name: "typed"}})
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	hour := int64(3600)
	token, err := inCore.ServiceAccounts("default").CreateToken(ctx, "default",
		&authentication.TokenRequest{Spec: authentication.TokenRequestSpec{ExpirationSeconds: &hour}}, meta.CreateOptions{})
	if err != nil {
		return fmt.Errorf("create token: %w", err)
	}
	own := rest.AnonymousClientConfig(config)
	own.BearerToken = token.Status.Token
	review, err := typedClient(own).AuthenticationV1().SelfSubjectReviews().Create(ctx, &authentication.SelfSubjectReview{}, meta.CreateOptions{})
	if err != nil {
		return fmt.Errorf("review the token's user: %w", err)
	}
	access, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorization.SelfSubjectAccessReview{
		Spec: authorization.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorization.ResourceAttributes{Verb: "get", Resource: "secrets"}},
	}, meta.CreateOptions{})
	if err != nil {
		return fmt.Errorf("review access: %w", err)
	}
	say(line{"kind": "TokenRequest", "user": review.Status.UserInfo.Username, "allowed": access.Status.Allowed})
	say(line{"media": notes.media()})
	return nil
}
