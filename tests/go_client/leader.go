package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// leaderScenario has two candidates: one leads and gives up its lease, the other follows; never both at once.
func leaderScenario(ctx context.Context, config *rest.Config) error {
	var leading atomic.Int32
	elected := make(chan string, 2)
	contexts, stops, done := map[string]context.Context{}, map[string]context.CancelFunc{}, sync.WaitGroup{}
	for _, name := range []string{"one", "two"} {
		contexts[name], stops[name] = context.WithCancel(ctx)
		client := typedClient(config)
		lock := &resourcelock.LeaseLock{LeaseMeta: meta.ObjectMeta{Namespace: "default", Name: "leader"}, Client: client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: name}}
		elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
			Lock: lock, LeaseDuration: 5 * time.Second, RenewDeadline: 3 * time.Second, RetryPeriod: 200 * time.Millisecond,
			ReleaseOnCancel: true, Name: name,
			Callbacks: leaderelection.LeaderCallbacks{
				OnStartedLeading: func(context.Context) {
					if now := leading.Add(1); now != 1 {
						say(line{"error": fmt.Sprintf("%d leaders", now)})
					}
					elected <- name
				},
				OnStoppedLeading: func() { leading.Store(0) },
			},
		})
		if err != nil {
			return err
		}
		done.Go(func() { elector.Run(contexts[name]) })
	}
	for range 2 {
		leader := <-elected
		lease, err := typedClient(config).CoordinationV1().Leases("default").Get(ctx, "leader", meta.GetOptions{})
		if err != nil {
			return err
		}
		say(line{"leader": leader, "holder": lease.Spec.HolderIdentity, "transitions": lease.Spec.LeaseTransitions})
		stops[leader]()
	}
	done.Wait()
	return nil
}
