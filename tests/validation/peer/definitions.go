package main

import (
	"context"
	"fmt"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresource"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition"
	"k8s.io/apimachinery/pkg/runtime"
	kubeschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	kjson "sigs.k8s.io/json"
)

var scheme = runtime.NewScheme()

func init() { install.Install(scheme) }

type strategy struct {
	rest.RESTCreateStrategy
	rest.RESTUpdateStrategy
}

func newDefinitionStrategy() strategy {
	made := customresourcedefinition.NewStrategy(scheme)
	return strategy{made, made}
}

var definitionStrategy = newDefinitionStrategy()

func (s strategy) create(ctx context.Context, made *apiextensions.CustomResourceDefinition) field.ErrorList {
	s.PrepareForCreate(ctx, made)
	return s.Validate(ctx, made)
}

func (s strategy) update(ctx context.Context, changed, former *apiextensions.CustomResourceDefinition) field.ErrorList {
	s.PrepareForCreate(ctx, former)
	former.ResourceVersion, changed.ResourceVersion, changed.Generation = "1", "1", former.Generation
	former.Status.Conditions = []apiextensions.CustomResourceDefinitionCondition{
		{Type: apiextensions.Established, Status: apiextensions.ConditionTrue},
	}
	s.PrepareForUpdate(ctx, changed, former)
	return s.ValidateUpdate(ctx, changed, former)
}

// readDefinition gives the form of a definition that is validated.
func readDefinition(text []byte) (*apiextensions.CustomResourceDefinition, error) {
	read := &apiextensionsv1.CustomResourceDefinition{}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(text, read); err != nil {
		return nil, err
	}
	scheme.Default(read)
	hub := &apiextensions.CustomResourceDefinition{}
	return hub, scheme.Convert(read, hub, nil)
}

// definition is a CustomResourceDefinition as it is served.
type definition struct {
	group, kind string
	versions    map[string]*served
}

// served is one version: how its objects are read, and the strategies of the resource and of its status.
type served struct {
	structural *schema.Structural
	main       updatable
	status     rest.RESTUpdateStrategy
}

type updatable interface {
	rest.RESTCreateStrategy
	rest.RESTUpdateStrategy
}

func compile(crd *apiextensions.CustomResourceDefinition) (*definition, error) {
	made := &definition{crd.Spec.Group, crd.Spec.Names.Kind, map[string]*served{}}
	for _, version := range crd.Spec.Versions {
		described, err := apiextensions.GetSchemaForVersion(crd, version.Name)
		if err != nil || described == nil {
			return nil, fmt.Errorf("version %s has no schema: %v", version.Name, err)
		}
		structural, err := schema.NewStructural(described.OpenAPIV3Schema)
		if err != nil {
			return nil, err
		}
		structural = structural.DeepCopy()
		if err := defaulting.PruneDefaults(structural); err != nil {
			return nil, err
		}
		validator, _, err := validation.NewSchemaValidator(described.OpenAPIV3Schema)
		if err != nil {
			return nil, err
		}
		subresources, err := apiextensions.GetSubresourcesForVersion(crd, version.Name)
		if err != nil {
			return nil, err
		}
		var status *apiextensions.CustomResourceSubresourceStatus
		var scale *apiextensions.CustomResourceSubresourceScale
		var ofStatus validation.SchemaValidator
		if subresources != nil {
			status, scale = subresources.Status, subresources.Scale
		}
		if part, ok := described.OpenAPIV3Schema.Properties["status"]; ok && status != nil {
			if ofStatus, _, err = validation.NewSchemaValidator(&part); err != nil {
				return nil, err
			}
		}
		main := customresource.NewStrategy(
			scheme,
			crd.Spec.Scope == apiextensions.NamespaceScoped,
			kubeschema.GroupVersionKind{Group: made.group, Version: version.Name, Kind: made.kind},
			validator, ofStatus, structural, status, scale, nil,
		)
		made.versions[version.Name] = &served{structural, main, customresource.NewStatusStrategy(main)}
	}
	return made, nil
}
