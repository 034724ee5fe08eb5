package main

import (
	"context"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
)

// object says what is wrong with an object of the definition, and what it has become by then.
func (d *definition) object(ctx context.Context, asked question) answer {
	version := d.versions[asked.Version]
	made, unknown, err := version.read(asked.Object, false)
	if err != nil {
		return answer{Refused: err.Error()}
	}
	said := answer{Unknown: unknown}
	if asked.Former == nil {
		version.main.PrepareForCreate(ctx, made)
		said.Causes = causes(version.main.Validate(ctx, made))
		defaulting.Default(made.Object, version.structural) // what is stored is defaulted as it is read
		said.Object = made.Object
		return said
	}
	former, _, err := version.read(asked.Former, true)
	if err != nil {
		return answer{Refused: err.Error()}
	}
	former.SetResourceVersion("1")
	made.SetResourceVersion("1")
	if asked.Status {
		version.status.PrepareForUpdate(ctx, made, former)
		said.Causes = causes(version.status.ValidateUpdate(ctx, made, former))
	} else {
		version.main.PrepareForUpdate(ctx, made, former)
		said.Causes = causes(version.main.ValidateUpdate(ctx, made, former))
	}
	said.Object = made.Object
	return said
}

// read brings the text of an object into the form that is validated: metadata decoded, pruned, defaulted. What is
// stored already is read more leniently.
func (v *served) read(text []byte, stored bool) (*unstructured.Unstructured, []string, error) {
	content := map[string]interface{}{}
	if err := json.Unmarshal(text, &content); err != nil {
		return nil, nil, err
	}
	metadata, found, unknown, err := objectmeta.GetObjectMetaWithOptions(content, objectmeta.ObjectMetaOptions{
		DropMalformedFields: stored, ReturnUnknownFieldPaths: true,
	})
	if err != nil {
		return nil, nil, err
	}
	apiVersion, kind := content["apiVersion"], content["kind"]
	unknown = append(unknown, pruning.PruneWithOptions(
		content, v.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true},
	)...)
	defaulting.PruneNonNullableNullsWithoutDefaults(content, v.structural)
	wrong, further := objectmeta.CoerceWithOptions(nil, content, v.structural, false, objectmeta.CoerceOptions{
		DropInvalidFields: stored, ReturnUnknownFieldPaths: true,
	})
	if wrong != nil {
		return nil, nil, wrong
	}
	content["apiVersion"], content["kind"] = apiVersion, kind
	if found {
		if err := objectmeta.SetObjectMeta(content, metadata); err != nil {
			return nil, nil, err
		}
	}
	defaulting.Default(content, v.structural)
	return &unstructured.Unstructured{Object: content}, append(unknown, further...), nil
}
