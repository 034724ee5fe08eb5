package main

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	v1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
)

var (
	configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	workspaces = schema.GroupVersionResource{Group: "tenancy.kcp.io", Version: "v1alpha1", Resource: "workspaces"}
)

func accessor(obj runtime.Object) v1.Object {
	found, err := meta.Accessor(obj)
	if err != nil {
		panic(err)
	}
	return found
}

// dynamicScenario makes a child workspace and a ConfigMap of objects without Go types.
func dynamicScenario(ctx context.Context, config *rest.Config) error {
	client := dynamic.NewForConfigOrDie(config)
	child := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": map[string]any{"name": "child"},
		"spec": map[string]any{"type": map[string]any{"name": "universal", "path": "root"}},
	}}
	made, err := client.Resource(workspaces).Create(ctx, child, v1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("create workspace: %w", err)
	}
	phase, _, _ := unstructured.NestedString(made.Object, "status", "phase")
	say(line{"step": "workspace", "phase": phase})
	mapped := client.Resource(configMaps).Namespace("default")
	obj := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"generateName": "dynamic-"}, "data": map[string]any{"a": "1"},
	}}
	first, err := mapped.Create(ctx, obj, v1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	second, err := mapped.Create(ctx, obj, v1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("create again: %w", err)
	}
	say(line{"step": "generated", "names": []string{first.GetName(), second.GetName()}})
	patched, err := mapped.Patch(ctx, first.GetName(), types.JSONPatchType, []byte(`[{"op":"replace","path":"/data/a","value":"2"}]`), v1.PatchOptions{})
	if err != nil {
		return fmt.Errorf("patch: %w", err)
	}
	say(line{"step": "patched", "data": patched.Object["data"]})
	applied := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "applied"}, "data": map[string]any{"b": "1"},
	}}
	result, err := mapped.Apply(ctx, "applied", applied, v1.ApplyOptions{FieldManager: "dynamic"})
	if err != nil {
		return fmt.Errorf("apply: %w", err)
	}
	say(line{"step": "applied", "manager": result.GetManagedFields()[0].Manager, "operation": result.GetManagedFields()[0].Operation})
	if err = mapped.DeleteCollection(ctx, v1.DeleteOptions{}, v1.ListOptions{FieldSelector: "metadata.name!=kube-root-ca.crt"}); err != nil {
		return fmt.Errorf("delete collection: %w", err)
	}
	left, err := mapped.List(ctx, v1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	names := []string{}
	for _, one := range left.Items {
		names = append(names, one.GetName())
	}
	say(line{"step": "left", "names": names})
	return client.Resource(workspaces).Delete(ctx, "child", v1.DeleteOptions{})
}

// metadataScenario reads, watches, patches and deletes by metadata alone.
func metadataScenario(ctx context.Context, config *rest.Config) error {
	mapped := dynamic.NewForConfigOrDie(config).Resource(configMaps).Namespace("default")
	client := metadata.NewForConfigOrDie(config).Resource(configMaps).Namespace("default")
	watched, err := client.Watch(ctx, v1.ListOptions{LabelSelector: "of=metadata"})
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	obj := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"big": "body"},
		"metadata": map[string]any{"name": "metadata", "labels": map[string]any{"of": "metadata"}},
	}}
	if _, err = mapped.Create(ctx, obj, v1.CreateOptions{}); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	found, err := client.Get(ctx, "metadata", v1.GetOptions{})
	if err != nil {
		return fmt.Errorf("get: %w", err)
	}
	listed, err := client.List(ctx, v1.ListOptions{LabelSelector: "of=metadata"})
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	say(line{"step": "read", "kind": found.Kind, "labels": found.Labels, "listed": len(listed.Items)})
	if _, err = client.Patch(ctx, "metadata", types.MergePatchType, []byte(`{"metadata":{"labels":{"more":"1"}}}`), v1.PatchOptions{}); err != nil {
		return fmt.Errorf("patch: %w", err)
	}
	if err = client.Delete(ctx, "metadata", v1.DeleteOptions{}); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	for range 3 {
		event := <-watched.ResultChan()
		partial, is := event.Object.(*v1.PartialObjectMetadata)
		if !is {
			return fmt.Errorf("watch sent a %T", event.Object)
		}
		say(line{"step": "event", "type": event.Type, "labels": partial.Labels})
	}
	watched.Stop()
	return nil
}
