"""The chain of authorizers: who may do what, in which logical cluster.

The steps and their order are section 4.2 of the tenancy reference: a privileged group and open paths pass; then
required groups, entering the workspace, system types, the maximal permission policy of what is bound, and RBAC must
each agree. Nothing is allowed that no step allows.

A decision is remembered with what it was derived from (`Held`), and holds while none of that is stale: a repeated
question costs one lookup, and a revoked right is gone with the commit that revoked it. Where the object's name did
not matter, the decision is remembered for all names. The policy of a bound resource is asked for anew each time,
because only the layer that resolves bindings knows when it changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from manifold.auth.attributes import Attributes, Decision, ExportPolicies
from manifold.auth.logical_clusters import ENTERABLE, LogicalCluster, LogicalClusters
from manifold.auth.names import (
    EXTERNAL_LOGICAL_CLUSTER_ADMIN,
    INITIALIZER_PREFIX,
    KCP_ADMIN,
    LOGICAL_CLUSTER_ADMIN,
    ROOT,
    TERMINATOR_PREFIX,
    WORKSPACE_BOOTSTRAPPER,
    home_cluster,
    is_service_account,
)
from manifold.auth.rbac.held import Held, Recent
from manifold.auth.rbac.policy import Answer, Policy, ask_path, ask_resource, held_rules
from manifold.auth.rbac.rules import Rule
from manifold.auth.rbac.store import RBAC
from manifold.auth.rbac.subjects import bound_user, effective_groups, effective_users, in_scope
from manifold.base.user import MASTERS, User
from manifold.storage.contract import Store

ALWAYS_ALLOW_PATHS = ("/healthz", "/readyz", "/livez")
DECISIONS = 16_384

_PASSED = Decision(True)
_SHARD_PATHS = frozenset(("/metrics",))
_LIFECYCLE_PHASES = frozenset(("Initializing", "Terminating", "Deleting"))
_GRANTING = frozenset(("escalate", "bind", "impersonate"))
_ENTERING_BY_GROUP = frozenset(
    (KCP_ADMIN, WORKSPACE_BOOTSTRAPPER, LOGICAL_CLUSTER_ADMIN, EXTERNAL_LOGICAL_CLUSTER_ADMIN)
)
_SYSTEM_STATUS = frozenset((("apibindings", "status"), ("apiexports", "status")))

_NEVER_BOUND: frozenset[tuple[str, str]] = frozenset(
    (group, resource)
    for group, resources in {
        "": "configmaps events namespaces resourcequotas secrets serviceaccounts",
        "admissionregistration.k8s.io": "mutatingwebhookconfigurations validatingwebhookconfigurations "
        "validatingadmissionpolicies validatingadmissionpolicybindings mutatingadmissionpolicies "
        "mutatingadmissionpolicybindings",
        "apiextensions.k8s.io": "customresourcedefinitions",
        "apis.kcp.io": "apibindings apiexports apiresourceschemas apiexportendpointslices apiconversions",
        "authentication.k8s.io": "selfsubjectreviews tokenreviews",
        "authorization.k8s.io": "localsubjectaccessreviews selfsubjectaccessreviews selfsubjectrulesreviews "
        "subjectaccessreviews",
        "certificates.k8s.io": "certificatesigningrequests",
        "coordination.k8s.io": "leases",
        "core.kcp.io": "logicalclusters",
        "events.k8s.io": "events",
        "rbac.authorization.k8s.io": "roles rolebindings clusterroles clusterrolebindings",
    }.items()
    for resource in resources.split()
)
"""Types the server serves itself, before any binding (section 5.3 of the tenancy reference): no export bounds them."""


@dataclass(slots=True)
class _Judgement:
    """A decision with what it rests on; `decision` None says: it depends on the object's name, look further.

    `policy_cluster` is None where no binding could matter.
    """

    decision: Decision | None
    rests_on: tuple[Held[LogicalCluster | None] | Held[Policy], ...]
    policy_cluster: str | None


class _Question:
    """What is gathered while one question is decided."""

    __slots__ = ("attributes", "deep", "named", "rests_on", "users")

    def __init__(self, attributes: Attributes, deep: bool) -> None:
        self.attributes = attributes
        self.deep = deep
        self.named = False
        self.rests_on: list[Held[LogicalCluster | None] | Held[Policy]] = []
        self.users = effective_users(attributes.user, attributes.cluster)


def _denied(reason: str) -> Decision:
    return Decision(False, reason)


def _within(required: Sequence[frozenset[str]], groups: frozenset[str]) -> bool:
    return any(alternative <= groups for alternative in required)


class Chain:
    """The authorizer of a server. Registers what it caches with the store's listeners."""

    def __init__(
        self,
        store: Store,
        policies: ExportPolicies,
        rbac: RBAC | None = None,
        always_allow_paths: Sequence[str] = ALWAYS_ALLOW_PATHS,
        decisions: int = DECISIONS,
    ) -> None:
        self.rbac = rbac or RBAC(store)
        self.logical_clusters = LogicalClusters(store)
        self._policies = policies
        self._paths = frozenset(always_allow_paths)
        self._path_prefixes = tuple(path[:-1] for path in always_allow_paths if path.endswith("*"))
        self._known: Recent[tuple[object, ...], _Judgement] = Recent(decisions)

    async def authorize(self, attributes: Attributes) -> Decision:
        """Whether the request may proceed (implements `Authorizer`)."""
        return await self._authorize(attributes, False)

    async def authorize_deep(self, attributes: Attributes) -> Decision:
        """The same without entering the workspace, required groups and maximal permission policies.

        It is what `use` of workspace types and `bind` of exports are asked with, in workspaces the user need not be
        able to enter.
        """
        return await self._authorize(attributes, True)

    async def enters(self, user: User, cluster: str) -> bool:
        """Whether a user may enter a logical cluster. Not remembered: it is asked about many, once each."""
        question = _Question(Attributes(user, "access", cluster, path="/"), False)
        if user.privileged:
            return (await self.logical_clusters.get(cluster)).value is not None
        entered = await self._enter(question)
        return entered is None or entered.allowed

    async def within_policy(self, a: Attributes, policy_cluster: str) -> bool:
        """Whether the maximal permission policy in a logical cluster allows what is asked, and nothing else.

        The caller is asked about as it counts in the logical cluster of the attributes.
        """
        if MASTERS in a.user.groups:
            return True
        return await self._bounded(_Question(a, False), policy_cluster)

    async def _authorize(self, a: Attributes, deep: bool) -> Decision:
        if MASTERS in a.user.groups:
            return _PASSED
        if not a.resource and (a.path in self._paths or a.path.startswith(self._path_prefixes)):
            return _PASSED
        key = (a.user, a.cluster, a.verb, a.group, a.resource, a.subresource, a.namespace, a.path, deep)
        policy_cluster: str | None = None
        if not deep and a.resource and (a.group, a.resource) not in _NEVER_BOUND:
            policy_cluster = await self._policies.policy_cluster(a.cluster, a.group, a.resource)
        known = self._known.get(key)
        if known is not None and known.decision is None:
            known = self._known.get((key, a.name))
        if known is not None and known.decision is not None and known.policy_cluster == policy_cluster:
            for held in known.rests_on:
                if held.stale:
                    break
            else:
                return known.decision
        question = _Question(a, deep)
        decision = await self._decide(question, policy_cluster or "")
        rests_on = tuple(question.rests_on)
        if question.named:
            self._known.put(key, _Judgement(None, (), None))
            self._known.put((key, a.name), _Judgement(decision, rests_on, policy_cluster))
        else:
            self._known.put(key, _Judgement(decision, rests_on, policy_cluster))
        return decision

    async def _decide(self, question: _Question, policy_cluster: str) -> Decision:
        a = question.attributes
        if not a.cluster:
            if a.path in _SHARD_PATHS and not a.resource:
                return await self._rbac(question, ROOT)
            return _denied("no logical cluster")
        entered = await self._enter(question)
        if entered is not None:
            return entered
        if a.group == "apis.kcp.io" and (a.resource, a.subresource) in _SYSTEM_STATUS:
            return _denied("written by the system only")
        if policy_cluster:
            bound = await self._bounded(question, policy_cluster)
            if not bound:
                return _denied(f"maximal permission policy of {policy_cluster}")
        return await self._rbac(question, a.cluster)

    async def _enter(self, question: _Question) -> Decision | None:
        """Required groups and the content of the workspace; None where the next step decides."""
        a = question.attributes
        if a.cluster == "*" or a.cluster.startswith("system:"):
            return _denied("a logical cluster for privileged users only")
        if question.deep:
            return None
        held = await self.logical_clusters.get(a.cluster)
        question.rests_on.append(held)
        logical_cluster = held.value
        if logical_cluster is None:
            return _denied("no such logical cluster")
        groups = effective_groups(question.users)
        if logical_cluster.required_groups and not (
            is_service_account(a.user.name)
            or not _ENTERING_BY_GROUP.isdisjoint(groups)
            or _within(logical_cluster.required_groups, groups)
        ):
            return _denied("required groups")
        if LOGICAL_CLUSTER_ADMIN in groups:
            return None
        if logical_cluster.phase not in ENTERABLE:
            return _denied(f"phase {logical_cluster.phase}")
        if logical_cluster.phase in _LIFECYCLE_PHASES:
            lifecycle = {INITIALIZER_PREFIX + name for name in logical_cluster.initializers}
            lifecycle.update(TERMINATOR_PREFIX + name for name in logical_cluster.terminators)
            # The caller's own groups, not those of what it counts as here: a service account from elsewhere is nobody
            # here, and still at work. Granting rights is not part of the work.
            if a.verb not in _GRANTING and not lifecycle.isdisjoint(a.user.groups):
                return Decision(True, "initializer or terminator")
        if is_service_account(a.user.name) and home_cluster(a.user) == a.cluster and in_scope(a.user, a.cluster):
            return None
        if ask_path(await self._sources(question, a.cluster), question.users, "access", "/") is None:
            return _denied("no access to the workspace")
        return None

    async def _sources(self, question: _Question, cluster: str) -> list[Policy]:
        """The policies that hold in a logical cluster; what is decided from them rests on them."""
        shared = await self.rbac.shared()
        local = await self.rbac.policy(cluster)
        question.rests_on += (shared, local)
        return [shared.value, local.value]

    async def _bounded(self, question: _Question, policy_cluster: str) -> bool:
        a = question.attributes
        users = effective_users(bound_user(a.user), a.cluster)
        sources = await self._sources(question, policy_cluster)
        answer = ask_resource(sources, users, a.verb, a.group, a.resource, a.subresource, a.namespace, a.name)
        question.named |= answer.named
        return answer.grant is not None

    async def _rbac(self, question: _Question, cluster: str) -> Decision:
        a = question.attributes
        sources = await self._sources(question, cluster)
        if a.resource:
            answer = ask_resource(
                sources, question.users, a.verb, a.group, a.resource, a.subresource, a.namespace, a.name
            )
            question.named |= answer.named
        else:
            answer = Answer(ask_path(sources, question.users, a.verb, a.path), False)
        return Decision(True, answer.grant.reason()) if answer.grant is not None else _denied("no rule allows it")

    async def rules_for(self, user: User, cluster: str, namespace: str) -> list[Rule]:
        """The rules RBAC gives a user in a namespace of a logical cluster (empty: cluster-wide ones only).

        Those of `system:admin` and of the cluster itself; neither entering the workspace nor maximal permission
        policies are looked at, as section 4.2 of the tenancy reference says of SelfSubjectRulesReview.
        """
        shared = await self.rbac.shared()
        local = await self.rbac.policy(cluster)
        return held_rules([shared.value, local.value], effective_users(user, cluster), namespace)
