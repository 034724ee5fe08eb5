package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/kcp-dev/logicalcluster/v3"
	"github.com/kcp-dev/multicluster-provider/apiexport"
	apisv1alpha1 "github.com/kcp-dev/sdk/apis/apis/v1alpha1"
	"github.com/kcp-dev/sdk/apis/core"
	corev1alpha1 "github.com/kcp-dev/sdk/apis/core/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/multicluster-runtime/pkg/manager"
)

const agent = "agents.example.com/name"

// claimed is what the carrier needs of its consumers, beside what is published.
var claimed = []apisv1alpha1.GroupResource{
	{Resource: "events"}, {Resource: "namespaces"}, {Resource: "secrets"},
	{Group: core.GroupName, Resource: "logicalclusters"},
}

// publishScenario offers the type stations.example.org of a service cluster, which the context "service" leads to, by
// the export "published", and carries its objects from all consumers to that cluster, until the end of input.
func publishScenario(ctx context.Context, here *rest.Config, scheme *runtime.Scheme) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if err := apiextensions.AddToScheme(scheme); err != nil {
		return err
	}
	service, err := config.GetConfigWithContext("service")
	if err != nil {
		return err
	}
	direct, err := client.New(here, client.Options{Scheme: scheme})
	if err != nil {
		return err
	}
	exporting, err := locate(ctx, here, direct)
	if err != nil {
		return err
	}
	go func() {
		if err := exporting.Start(ctx); err != nil {
			say(line{"error": err.Error()})
		}
	}()
	definitions, err := client.New(service, client.Options{Scheme: scheme})
	if err != nil {
		return err
	}
	var definition apiextensions.CustomResourceDefinition
	if err := definitions.Get(ctx, client.ObjectKey{Name: "stations.example.org"}, &definition); err != nil {
		return err
	}
	if err := publish(ctx, exporting, &definition); err != nil {
		return err
	}
	if err := probe(ctx, here, direct, definition.Spec.Names.Plural); err != nil {
		return err
	}
	say(line{"event": "served"})
	provider, err := apiexport.New(here, "published", apiexport.Options{Scheme: scheme})
	if err != nil {
		return err
	}
	mgr, err := manager.New(service, provider, options)
	if err != nil {
		return err
	}
	if err := carry(mgr, &definition); err != nil {
		return err
	}
	go cues(stop, func(string) error { return nil })
	return mgr.Start(ctx)
}

// locate finds the export by the endpoint slice, and gives the cluster it is in, with a cache of this export alone.
func locate(ctx context.Context, here *rest.Config, c client.Client) (cluster.Cluster, error) {
	var slice apisv1alpha1.APIExportEndpointSlice
	if err := c.Get(ctx, client.ObjectKey{Name: "published"}, &slice); err != nil {
		return nil, err
	}
	var logical corev1alpha1.LogicalCluster
	if err := c.Get(ctx, client.ObjectKey{Name: corev1alpha1.LogicalClusterName}, &logical); err != nil {
		return nil, err
	}
	path := logical.Annotations[core.LogicalClusterPathAnnotationKey]
	say(line{"event": "located", "cluster": logicalcluster.From(&logical), "path": path, "export": slice.Spec.APIExport.Path})
	there := rest.CopyConfig(here)
	server, _, _ := strings.Cut(here.Host, "/clusters/")
	there.Host = server + "/clusters/" + slice.Spec.APIExport.Path
	only := cache.ByObject{Field: fields.OneTermEqualSelector("metadata.name", slice.Spec.APIExport.Name)}
	return cluster.New(there, func(o *cluster.Options) {
		o.Scheme = c.Scheme()
		o.Cache.ByObject = map[client.Object]cache.ByObject{&apisv1alpha1.APIExport{}: only}
	})
}

// publish makes a schema of a definition, which is named after what it says, and has the export offer it.
func publish(ctx context.Context, exporting cluster.Cluster, definition *apiextensions.CustomResourceDefinition) error {
	said, err := json.Marshal(definition.Spec)
	if err != nil {
		return err
	}
	schema, err := apisv1alpha1.CRDToAPIResourceSchema(definition, "v"+fmt.Sprintf("%x", sha256.Sum256(said))[:8])
	if err != nil {
		return err
	}
	schema.Labels = map[string]string{agent: "tests"}
	c := exporting.GetClient()
	err = c.Get(ctx, client.ObjectKeyFromObject(schema), &apisv1alpha1.APIResourceSchema{})
	if errors.IsNotFound(err) {
		err = c.Create(ctx, schema)
	}
	if err != nil {
		return err
	}
	var export apisv1alpha1.APIExport
	if err := c.Get(ctx, client.ObjectKey{Name: "published"}, &export); err != nil {
		return err
	}
	before := export.DeepCopy()
	others := slices.DeleteFunc(export.Spec.LatestResourceSchemas, func(name string) bool {
		_, published, _ := strings.Cut(name, ".")
		return published == definition.Name
	})
	export.Spec.LatestResourceSchemas = append(others, schema.Name)
	for _, wanted := range claimed {
		same := func(claim apisv1alpha1.PermissionClaim) bool { return claim.GroupResource == wanted }
		if !slices.ContainsFunc(export.Spec.PermissionClaims, same) {
			claim := apisv1alpha1.PermissionClaim{GroupResource: wanted, All: true}
			export.Spec.PermissionClaims = append(export.Spec.PermissionClaims, claim)
		}
	}
	if !reflect.DeepEqual(before.Spec, export.Spec) {
		export.Annotations[agent] = "tests"
		if err := c.Update(ctx, &export); err != nil {
			return err
		}
		recorder := exporting.GetEventRecorderFor("publisher") //nolint:staticcheck // it is what the agent uses
		recorder.Eventf(&export, corev1.EventTypeNormal, "AddingResourceSchema", "added %s", schema.Name)
	}
	say(line{"event": "published", "schema": schema.Name})
	return nil
}

// probe waits until the view of the export, if there is one, serves the resource.
func probe(ctx context.Context, here *rest.Config, c client.Client, resource string) error {
	return wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		var slice apisv1alpha1.APIExportEndpointSlice
		if err := c.Get(ctx, client.ObjectKey{Name: "published"}, &slice); err != nil {
			return false, err
		}
		for _, endpoint := range slice.Status.APIExportEndpoints {
			view := rest.CopyConfig(here)
			view.Host = endpoint.URL + "/clusters/*"
			found, err := discovery.NewDiscoveryClientForConfig(view)
			if err != nil {
				return false, err
			}
			_, lists, err := found.ServerGroupsAndResources()
			if err != nil {
				return false, err
			}
			served := false
			for _, list := range lists {
				for _, one := range list.APIResources {
					served = served || one.Name == resource
				}
			}
			if !served {
				return false, nil
			}
		}
		return true, nil
	})
}
