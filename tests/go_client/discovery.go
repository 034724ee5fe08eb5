package main

import (
	"context"
	"fmt"
	"sort"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/openapi"
	"k8s.io/client-go/openapi3"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

// discoveryScenario reads what is served, and tells in how many requests.
func discoveryScenario(_ context.Context, config *rest.Config) error {
	config, notes := recorded(config)
	client := discovery.NewDiscoveryClientForConfigOrDie(config)
	groups, lists, err := client.ServerGroupsAndResources()
	if err != nil {
		return err
	}
	names, resources := []string{}, map[string][]string{}
	for _, group := range groups {
		names = append(names, group.Name)
	}
	for _, list := range lists {
		for _, one := range list.APIResources {
			resources[list.GroupVersion] = append(resources[list.GroupVersion], one.Name)
		}
		sort.Strings(resources[list.GroupVersion])
	}
	say(line{"step": "types", "groups": names, "resources": resources, "media": len(notes.seen)})
	preferred, err := discovery.ServerPreferredNamespacedResources(client)
	if err != nil {
		return err
	}
	say(line{"step": "namespaced", "lists": len(preferred)})
	version, err := client.ServerVersion()
	if err != nil {
		return err
	}
	say(line{"step": "version", "major": version.Major, "minor": version.Minor})
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client))
	for _, kind := range []schema.GroupVersionKind{
		{Version: "v1", Kind: "ConfigMap"}, {Group: "tenancy.kcp.io", Version: "v1alpha1", Kind: "Workspace"},
		{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"},
	} {
		mapping, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		say(line{"step": "mapping", "kind": kind.Kind, "resource": mapping.Resource.Resource, "scope": mapping.Scope.Name()})
	}
	return nil
}

// openapiScenario reads OpenAPI v3 of every group version, and v2.
func openapiScenario(_ context.Context, config *rest.Config) error {
	client := discovery.NewDiscoveryClientForConfigOrDie(config)
	root := openapi3.NewRoot(openapi.NewClient(client.RESTClient()))
	versions, err := root.GroupVersions()
	if err != nil {
		return err
	}
	for _, version := range versions {
		spec, err := root.GVSpec(version)
		if err != nil {
			return fmt.Errorf("%s: %w", version, err)
		}
		kinds := []string{}
		for _, schemas := range spec.Components.Schemas {
			if _, found := schemas.Extensions["x-kubernetes-group-version-kind"]; found {
				kinds = append(kinds, "")
			}
		}
		say(line{"version": version.String(), "paths": len(spec.Paths.Paths), "kinds": len(kinds)})
	}
	document, err := client.OpenAPISchema()
	if err != nil {
		return err
	}
	say(line{"version": "v2", "paths": len(document.GetPaths().GetPath()), "kinds": len(document.GetDefinitions().GetAdditionalProperties())})
	return nil
}
