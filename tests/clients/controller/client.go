package main

import (
	"context"
	"fmt"
	"slices"

	authentication "k8s.io/api/authentication/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func planet(name string, moons ...string) *Planet {
	return &Planet{
		ObjectMeta: meta.ObjectMeta{Namespace: "default", Name: name, Labels: map[string]string{"of": "tests"}},
		Spec:       PlanetSpec{Moons: moons},
	}
}

// clientScenario does with the client of controller-runtime what reconcilers do without a cache.
func clientScenario(ctx context.Context, config *rest.Config, scheme *runtime.Scheme) error {
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		return err
	}
	events, err := c.Watch(ctx, &PlanetList{}, client.InNamespace("default"))
	if err != nil {
		return err
	}
	defer events.Stop()

	mars := planet("mars", "phobos")
	if err := c.Create(ctx, mars); err != nil {
		return err
	}
	stale := mars.DeepCopyObject().(*Planet)
	before := mars.DeepCopyObject().(*Planet)
	mars.Spec.Moons = append(mars.Spec.Moons, "deimos")
	if err := c.Patch(ctx, mars, client.MergeFrom(before)); err != nil {
		return err
	}
	before = mars.DeepCopyObject().(*Planet)
	mars.Status.Moons = 2
	if err := c.Status().Patch(ctx, mars, client.MergeFrom(before)); err != nil {
		return err
	}
	say(line{"step": "patched", "radius": mars.Spec.Radius, "moons": mars.Spec.Moons, "counted": mars.Status.Moons,
		"generation": mars.Generation})

	late := stale.DeepCopyObject().(*Planet)
	late.Spec.Radius = 7
	lost := c.Patch(ctx, late, client.MergeFromWithOptions(stale, client.MergeFromWithOptimisticLock{}))
	bad := planet("mars")
	bad.ResourceVersion, bad.Spec.Radius = mars.ResourceVersion, -1
	refused := c.Update(ctx, bad)
	say(line{"step": "refused", "conflict": errors.IsConflict(lost), "invalid": errors.IsInvalid(refused), "text": fmt.Sprint(refused)})

	if err := c.Create(ctx, planet("tried"), client.DryRunAll); err != nil {
		return err
	}
	say(line{"step": "dry run", "missing": errors.IsNotFound(c.Get(ctx, client.ObjectKey{Namespace: "default", Name: "tried"}, &Planet{}))})

	applied := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": planets.String(), "kind": "Planet",
		"metadata": map[string]any{"name": "venus", "namespace": "default"},
		"spec":     map[string]any{"radius": int64(6)},
	}}
	if err := c.Apply(ctx, client.ApplyConfigurationFromUnstructured(applied), client.FieldOwner("tests")); err != nil {
		return err
	}
	var venus Planet
	if err := c.Get(ctx, client.ObjectKey{Namespace: "default", Name: "venus"}, &venus); err != nil {
		return err
	}
	say(line{"step": "applied", "radius": venus.Spec.Radius, "manager": venus.ManagedFields[0].Manager, "operation": venus.ManagedFields[0].Operation})

	token := &authentication.TokenRequest{}
	account := &core.ServiceAccount{ObjectMeta: meta.ObjectMeta{Namespace: "default", Name: "default"}}
	if err := c.SubResource("token").Create(ctx, account, token); err != nil {
		return err
	}
	say(line{"step": "token", "given": token.Status.Token != ""})

	var names []string
	var pages int
	for page := (PlanetList{}); ; {
		for number := 0; pages == 0 && number < 5; number++ {
			if err := c.Create(ctx, planet(fmt.Sprintf("outer-%d", number))); err != nil {
				return err
			}
		}
		if err := c.List(ctx, &page, client.InNamespace("default"), client.Limit(3), client.Continue(page.Continue)); err != nil {
			return err
		}
		pages++
		for _, one := range page.Items {
			names = append(names, one.Name)
		}
		if page.Continue == "" {
			break
		}
	}
	say(line{"step": "pages", "pages": pages, "names": names})

	if err := c.DeleteAllOf(ctx, &Planet{}, client.InNamespace("default"), client.MatchingLabels{"of": "tests"}); err != nil {
		return err
	}
	var left PlanetList
	if err := c.List(ctx, &left); err != nil {
		return err
	}
	say(line{"step": "left", "names": []string{left.Items[0].Name}, "count": len(left.Items)})

	var told []string
	for event := range events.ResultChan() {
		told = append(told, string(event.Type)+" "+event.Object.(*Planet).Name)
		if len(told) == 15 {
			break
		}
	}
	slices.Sort(told[9:])
	say(line{"step": "watched", "events": told})
	return nil
}

// cacheScenario reads through a cache: typed with an index, unstructured, and metadata alone.
func cacheScenario(ctx context.Context, config *rest.Config, scheme *runtime.Scheme) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return err
	}
	for _, one := range []*Planet{planet("mars", "phobos", "deimos"), planet("venus"), planet("saturn", "titan")} {
		if err := c.Create(ctx, one); err != nil {
			return err
		}
	}
	cached, err := cache.New(config, cache.Options{Scheme: scheme, DefaultNamespaces: map[string]cache.Config{"default": {}}})
	if err != nil {
		return err
	}
	byMoon := func(object client.Object) []string { return object.(*Planet).Spec.Moons }
	if err := cached.IndexField(ctx, &Planet{}, "moon", byMoon); err != nil {
		return err
	}
	go func() {
		if err := cached.Start(ctx); err != nil {
			say(line{"error": err.Error()})
		}
	}()
	if !cached.WaitForCacheSync(ctx) {
		return fmt.Errorf("the cache was not synchronized")
	}
	var found PlanetList
	if err := cached.List(ctx, &found, client.InNamespace("default"), client.MatchingFields{"moon": "titan"}); err != nil {
		return err
	}
	say(line{"step": "index", "name": found.Items[0].Name, "count": len(found.Items)})
	untyped := &unstructured.UnstructuredList{}
	untyped.SetGroupVersionKind(planets.WithKind("PlanetList"))
	if err := cached.List(ctx, untyped); err != nil {
		return err
	}
	say(line{"step": "unstructured", "count": len(untyped.Items)})
	partial := &meta.PartialObjectMetadataList{}
	partial.SetGroupVersionKind(core.SchemeGroupVersion.WithKind("ConfigMapList"))
	if err := cached.List(ctx, partial); err != nil {
		return err
	}
	say(line{"step": "metadata", "names": []string{partial.Items[0].Name}})
	return nil
}
