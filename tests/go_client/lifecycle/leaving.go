package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// leave takes the controller's own name off the list, in the way that was ordered: as an update of the status, as a
// merge patch, as a JSON patch that tests what it takes off, or as an apply.
func (c *controller) leave(ctx context.Context, client dynamic.ResourceInterface) error {
	live, err := client.Get(ctx, "cluster", meta.GetOptions{})
	if err != nil {
		return err
	}
	names, _, _ := unstructured.NestedStringSlice(live.Object, "status", c.Field)
	at := slices.Index(names, c.Name)
	if at < 0 {
		return nil
	}
	left := slices.Delete(slices.Clone(names), at, at+1)
	status := map[string]any{c.Field: left}
	switch c.Way {
	case "update":
		if err := unstructured.SetNestedStringSlice(live.Object, left, "status", c.Field); err != nil {
			return err
		}
		_, err = client.UpdateStatus(ctx, live, meta.UpdateOptions{})
	case "merge":
		patch := map[string]any{"metadata": map[string]any{"resourceVersion": live.GetResourceVersion()}, "status": status}
		_, err = client.Patch(ctx, "cluster", types.MergePatchType, encoded(patch), meta.PatchOptions{}, "status")
	case "json":
		path := fmt.Sprintf("/status/%s/%d", c.Field, at)
		patch := []map[string]any{{"op": "test", "path": path, "value": c.Name}, {"op": "remove", "path": path}}
		_, err = client.Patch(ctx, "cluster", types.JSONPatchType, encoded(patch), meta.PatchOptions{}, "status")
	case "apply":
		obj := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "core.kcp.io/v1alpha1", "kind": "LogicalCluster", "metadata": map[string]any{"name": "cluster"},
		}}
		if err := unstructured.SetNestedStringSlice(obj.Object, left, "status", c.Field); err != nil {
			return err
		}
		_, err = client.ApplyStatus(ctx, "cluster", obj, meta.ApplyOptions{FieldManager: "lifecycle", Force: true})
	default:
		return fmt.Errorf("no way of leaving is called %q", c.Way)
	}
	return err
}

func encoded(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}
