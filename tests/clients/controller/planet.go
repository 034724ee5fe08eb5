package main

import (
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var planets = schema.GroupVersion{Group: "astronomy.example.com", Version: "v1"}

// Planet is the Go type of the custom resource that planets.yaml defines.
type Planet struct {
	meta.TypeMeta   `json:",inline"`
	meta.ObjectMeta `json:"metadata,omitempty"`
	Spec            PlanetSpec   `json:"spec,omitempty"`
	Status          PlanetStatus `json:"status,omitempty"`
}

type PlanetSpec struct {
	Radius int      `json:"radius,omitempty"`
	Moons  []string `json:"moons,omitempty"`
}

type PlanetStatus struct {
	Moons              int              `json:"moons"`
	ObservedGeneration int64            `json:"observedGeneration,omitempty"`
	Conditions         []meta.Condition `json:"conditions,omitempty"`
}

type PlanetList struct {
	meta.TypeMeta `json:",inline"`
	meta.ListMeta `json:"metadata,omitempty"`
	Items         []Planet `json:"items"`
}

func (p *Planet) DeepCopyObject() runtime.Object {
	copied := *p
	p.ObjectMeta.DeepCopyInto(&copied.ObjectMeta)
	copied.Spec.Moons = append([]string(nil), p.Spec.Moons...)
	copied.Status.Conditions = nil
	for _, condition := range p.Status.Conditions {
		copied.Status.Conditions = append(copied.Status.Conditions, *condition.DeepCopy())
	}
	return &copied
}

func (l *PlanetList) DeepCopyObject() runtime.Object {
	copied := PlanetList{TypeMeta: l.TypeMeta}
	l.ListMeta.DeepCopyInto(&copied.ListMeta)
	for _, planet := range l.Items {
		copied.Items = append(copied.Items, *planet.DeepCopyObject().(*Planet))
	}
	return &copied
}

func addPlanets(scheme *runtime.Scheme) {
	scheme.AddKnownTypes(planets, &Planet{}, &PlanetList{})
	meta.AddToGroupVersion(scheme, planets)
}
