package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	core "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	configurations "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"
)

// conflictsScenario counts one ConfigMap up from eight goroutines, as controllers do.
func conflictsScenario(ctx context.Context, config *rest.Config) error {
	maps := typedClient(config).CoreV1().ConfigMaps("default")
	if _, err := maps.Create(ctx, &core.ConfigMap{ObjectMeta: named("counter"), Data: map[string]string{"n": "0"}}, meta.CreateOptions{}); err != nil {
		return err
	}
	backoff := retry.DefaultBackoff
	backoff.Steps = 100
	var waiting sync.WaitGroup
	failures := make(chan error, 8)
	for range 8 {
		waiting.Go(func() {
			for range 10 {
				err := retry.RetryOnConflict(backoff, func() error {
					one, err := maps.Get(ctx, "counter", meta.GetOptions{})
					if err != nil {
						return err
					}
					number, err := strconv.Atoi(one.Data["n"])
					if err != nil {
						return err
					}
					one.Data["n"] = strconv.Itoa(number + 1)
					_, err = maps.Update(ctx, one, meta.UpdateOptions{})
					return err
				})
				if err != nil {
					failures <- err
					return
				}
			}
		})
	}
	waiting.Wait()
	close(failures)
	for err := range failures {
		return err
	}
	one, err := maps.Get(ctx, "counter", meta.GetOptions{})
	if err == nil {
		say(line{"count": one.Data["n"]})
	}
	return err
}

// applyScenario applies typed configurations as two field managers.
func applyScenario(ctx context.Context, config *rest.Config) error {
	maps := typedClient(config).CoreV1().ConfigMaps("default")
	first := configurations.ConfigMap("applied", "default").WithLabels(map[string]string{"by": "first"}).WithData(map[string]string{"a": "1", "b": "1"})
	made, err := maps.Apply(ctx, first, meta.ApplyOptions{FieldManager: "first"})
	if err != nil {
		return err
	}
	again, err := maps.Apply(ctx, first, meta.ApplyOptions{FieldManager: "first"})
	if err != nil {
		return err
	}
	say(line{"step": "again", "same": made.ResourceVersion == again.ResourceVersion})
	second := configurations.ConfigMap("applied", "default").WithData(map[string]string{"b": "2", "c": "2"})
	_, err = maps.Apply(ctx, second, meta.ApplyOptions{FieldManager: "second"})
	say(line{"step": "conflict", "conflict": errors.IsConflict(err), "text": fmt.Sprint(err)})
	forced, err := maps.Apply(ctx, second, meta.ApplyOptions{FieldManager: "second", Force: true})
	if err != nil {
		return err
	}
	say(line{"step": "forced", "data": forced.Data})
	extracted, err := configurations.ExtractConfigMap(forced, "first")
	if err != nil {
		return err
	}
	say(line{"step": "extracted", "data": extracted.Data, "labels": extracted.Labels})
	given, err := maps.Apply(ctx, extracted.WithData(map[string]string{"d": "3"}), meta.ApplyOptions{FieldManager: "first"})
	if err != nil {
		return err
	}
	say(line{"step": "extended", "data": given.Data})
	removed, err := maps.Apply(ctx, configurations.ConfigMap("applied", "default"), meta.ApplyOptions{FieldManager: "first"})
	if err != nil {
		return err
	}
	say(line{"step": "removed", "data": removed.Data, "labels": removed.Labels})
	return nil
}

// errorsScenario tells which of client-go's error predicates hold of common refusals.
func errorsScenario(ctx context.Context, config *rest.Config) error {
	client := typedClient(config)
	maps := client.CoreV1().ConfigMaps("default")
	one, err := maps.Create(ctx, &core.ConfigMap{ObjectMeta: named("errors")}, meta.CreateOptions{})
	if err != nil {
		return err
	}
	tell := func(what string, err error) {
		status, causes := errors.APIStatus(nil), []string{}
		if found, is := err.(errors.APIStatus); is {
			status = found
		}
		found := line{"what": what, "text": fmt.Sprint(err), "reason": errors.ReasonForError(err)}
		if status != nil && status.Status().Details != nil {
			for _, cause := range status.Status().Details.Causes {
				causes = append(causes, cause.Field)
			}
		}
		found["causes"] = causes
		say(found)
	}
	_, err = maps.Get(ctx, "missing", meta.GetOptions{})
	tell("missing", err)
	_, err = maps.Create(ctx, &core.ConfigMap{ObjectMeta: named("errors")}, meta.CreateOptions{})
	tell("there already", err)
	_, err = maps.Create(ctx, &core.ConfigMap{ObjectMeta: named("Bad_Name")}, meta.CreateOptions{})
	tell("invalid", err)
	_, err = client.CoreV1().ConfigMaps("nowhere").Create(ctx, &core.ConfigMap{ObjectMeta: named("errors")}, meta.CreateOptions{})
	tell("no namespace", err)
	stale := one.DeepCopy()
	stale.ResourceVersion = "1"
	_, err = maps.Update(ctx, stale, meta.UpdateOptions{})
	tell("stale", err)
	uid := one.UID + "x"
	tell("precondition", maps.Delete(ctx, "errors", meta.DeleteOptions{Preconditions: &meta.Preconditions{UID: &uid}}))
	_, err = client.RbacV1().Roles("default").Update(ctx, &rbac.Role{ObjectMeta: named("missing")}, meta.UpdateOptions{})
	tell("update of nothing", err)
	_, err = client.CoreV1().Pods("default").List(ctx, meta.ListOptions{})
	tell("no such type", err)
	nobody := rest.AnonymousClientConfig(config)
	_, err = typedClient(nobody).CoreV1().ConfigMaps("default").List(ctx, meta.ListOptions{})
	tell("anonymous", err)
	nobody.BearerToken = "wrong"
	_, err = typedClient(nobody).CoreV1().ConfigMaps("default").List(ctx, meta.ListOptions{})
	tell("wrong token", err)
	return nil
}
