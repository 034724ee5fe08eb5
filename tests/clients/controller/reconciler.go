package main

import (
	"context"
	"strconv"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

const finalizer = "astronomy.example.com/atlas"

// Reconciler keeps a ConfigMap with the moons of every Planet, and counts them in its status.
type Reconciler struct {
	client.Client
	events events.EventRecorder
}

func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).For(&Planet{}).Owns(&core.ConfigMap{}).Complete(r)
}

func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var planet Planet
	if err := r.Get(ctx, request.NamespacedName, &planet); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !planet.DeletionTimestamp.IsZero() {
		say(line{"event": "leaving", "planet": planet.Name})
		controllerutil.RemoveFinalizer(&planet, finalizer)
		return ctrl.Result{}, r.Update(ctx, &planet)
	}
	if controllerutil.AddFinalizer(&planet, finalizer) {
		return ctrl.Result{}, r.Update(ctx, &planet)
	}

	moons := &core.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: planet.Namespace, Name: planet.Name + "-moons"}}
	result, err := controllerutil.CreateOrUpdate(ctx, r.Client, moons, func() error {
		moons.Data = map[string]string{"count": strconv.Itoa(len(planet.Spec.Moons))}
		return controllerutil.SetControllerReference(&planet, moons, r.Scheme())
	})
	if err != nil {
		return ctrl.Result{}, err
	}
	if result != controllerutil.OperationResultNone {
		say(line{"event": "charted", "planet": planet.Name, "result": result})
		r.events.Eventf(&planet, moons, core.EventTypeNormal, "Charted", "Chart", "chart %s was %s", moons.Name, result)
	}

	planet.Status.Moons = len(planet.Spec.Moons)
	planet.Status.ObservedGeneration = planet.Generation
	meta.SetStatusCondition(&planet.Status.Conditions, metav1.Condition{
		Type: "Ready", Status: metav1.ConditionTrue, Reason: "Charted", ObservedGeneration: planet.Generation,
	})
	if err := r.Status().Update(ctx, &planet); err != nil {
		return ctrl.Result{}, err
	}
	say(line{"event": "reconciled", "planet": planet.Name, "generation": planet.Generation})
	return ctrl.Result{}, nil
}
