"""A store with logical clusters, roles and bindings, and the chain over it. For tests of this folder."""

from __future__ import annotations

from typing import Any

from manifold.auth.attributes import Attributes
from manifold.auth.chain import Chain
from manifold.auth.names import RBAC_GROUP
from manifold.base.keys import ObjectKey
from manifold.base.user import AUTHENTICATED, User
from manifold.schema import records
from manifold.storage.contract import Store, Write

ISSUER = "https://kcp.default.svc"


class BoundTo:
    """Export policies as a table: (cluster, group, resource) to the cluster whose policy holds."""

    def __init__(self) -> None:
        self.table: dict[tuple[str, str, str], str] = {}

    async def policy_cluster(self, cluster: str, group: str, resource: str) -> str:
        return self.table.get((cluster, group, resource), "")


class World:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.policies = BoundTo()
        self.chain = Chain(store, self.policies)

    async def put(self, key: ObjectKey, obj: dict[str, Any]) -> None:
        metadata = {"name": key.name, **obj.get("metadata", {})}
        if key.namespace:
            metadata["namespace"] = key.namespace
        value = records.encode({**obj, "metadata": metadata}, "v1")
        await self.store.commit([Write(key.encode(), value)])

    async def delete(self, key: ObjectKey) -> None:
        await self.store.commit([Write(key.encode(), None)])

    async def cluster(self, name: str, phase: str = "Ready", required: str = "", **status: list[str]) -> None:
        annotations = {"authorization.kcp.io/required-groups": required} if required else {}
        await self.put(
            ObjectKey("core.kcp.io", "logicalclusters", "", name, "", "cluster"),
            {"metadata": {"annotations": annotations}, "status": {"phase": phase, **status}},
        )

    async def role(self, cluster: str, name: str, *rules: dict[str, Any], namespace: str = "") -> ObjectKey:
        key = ObjectKey(RBAC_GROUP, "roles" if namespace else "clusterroles", "", cluster, namespace, name)
        await self.put(key, {"rules": list(rules)})
        return key

    async def bind(
        self, cluster: str, name: str, role: str, *subjects: str, namespace: str = "", kind: str = "ClusterRole"
    ) -> ObjectKey:
        resource = "rolebindings" if namespace else "clusterrolebindings"
        key = ObjectKey(RBAC_GROUP, resource, "", cluster, namespace, name)
        listed = []
        for text in subjects:
            subject_kind, _, named = text.partition(" ")
            home, slash, account = named.partition("/")
            if subject_kind == "ServiceAccount" and slash:
                listed.append({"kind": subject_kind, "namespace": home, "name": account})
            else:
                listed.append({"kind": subject_kind, "name": named})
        await self.put(key, {"subjects": listed, "roleRef": {"apiGroup": RBAC_GROUP, "kind": kind, "name": role}})
        return key

    async def may(self, user: User, verb: str, what: str, cluster: str = "w", deep: bool = False) -> bool:
        """`what` is `/path` or `[group:]resource[/subresource][ namespace[/name]]` with `-` for no namespace."""
        return (await self.decide(user, verb, what, cluster, deep)).allowed

    async def decide(self, user: User, verb: str, what: str, cluster: str = "w", deep: bool = False) -> Any:
        question = asked(user, verb, what, cluster)
        return await (self.chain.authorize_deep(question) if deep else self.chain.authorize(question))


def asked(user: User, verb: str, what: str, cluster: str = "w") -> Attributes:
    if what.startswith("/"):
        return Attributes(user, verb, cluster, path=what)
    resource, _, where = what.partition(" ")
    namespace, _, name = where.partition("/")
    group, colon, rest = resource.rpartition(":")
    resource, _, subresource = (rest if colon else resource).partition("/")
    return Attributes(
        user, verb, cluster, group, "v1", resource, subresource, "" if namespace == "-" else namespace, name
    )


def someone(name: str, *groups: str) -> User:
    return User(name, groups=(*groups, AUTHENTICATED))


def account(cluster: str, namespace: str, name: str) -> User:
    return User(
        f"system:serviceaccount:{namespace}:{name}",
        groups=("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED),
        extra={
            "authentication.kcp.io/cluster-name": (cluster,),
            "authentication.kcp.io/scopes": (f"cluster:{cluster}",),
        },
    )


ACCESS = {"nonResourceURLs": ["/"], "verbs": ["access"]}
READ_MAPS = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}
