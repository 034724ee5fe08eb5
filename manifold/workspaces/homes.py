"""Home workspaces: a logical cluster of one's own for everyone who may have one, made when first asked for.

There is no Workspace object behind a home and no parent above it. Its logical cluster has a name that follows from the
user's, so that nothing has to be looked up, and is written in one commit by whoever asks first; everyone who asks at
the same moment meets its guard and finds it there (tenancy reference, section 3.7).

The path of a home is `user:<name>`. A name that is no segment of a path (an e-mail address, upper case, a colon)
has none: such a home, and what lies below it, is addressed by the logical cluster's name, and that is the path its
children's URLs begin with, so that every URL the server tells leads somewhere.

Service accounts, and identities that are confined to another logical cluster, have no home: their names are not
theirs everywhere, and a home belongs to a name.
"""

from __future__ import annotations

from datetime import datetime

from manifold.auth.attributes import Attributes
from manifold.auth.chain import Chain
from manifold.auth.denial import NOT_PERMITTED, denial
from manifold.auth.names import is_service_account
from manifold.auth.rbac.subjects import in_scope
from manifold.base import clock, clusters, errors
from manifold.base.user import User
from manifold.registry.effects import Plan
from manifold.registry.objects import Kinds
from manifold.registry.writing import Clock
from manifold.storage.contract import Guard, GuardFailed, Snapshot, Store, Write
from manifold.types.resource import Object
from manifold.workspaces import content
from manifold.workspaces.beginning import Beginning
from manifold.workspaces.creating import ShardIdentity
from manifold.workspaces.deleting import sweep_row
from manifold.workspaces.types import BrokenType, WorkspaceTypes

ROOT, TYPE, NAME = "root", "home", "~"
CREATING = "Creating the home workspace"
TIMED_OUT = "home workspace creation timeout"
PATIENCE_SECONDS = 60
ATTEMPTS = 10


def home_path(user: str) -> str:
    """The path of a user's home: `user:<name>`, or the logical cluster's name where that is no path."""
    return f"{clusters.USER_PREFIX}{user}" if clusters.is_valid_segment(user) else clusters.home_name(user)


class Homes:
    """Finds and makes home workspaces."""

    def __init__(
        self,
        store: Store,
        kinds: Kinds,
        types: WorkspaceTypes,
        beginning: Beginning,
        shard: ShardIdentity,
        chain: Chain,
        clock: Clock,
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._logical_clusters = kinds.get("core.kcp.io", "logicalclusters")
        self._types = types
        self._beginning = beginning
        self._shard = shard
        self._chain = chain
        self._clock = clock

    async def workspace(self, user: User) -> Object:
        """The home of `user` as a Workspace, made if need be.

        Raises the 403 of a user who has none and may not have one, and the 429 of a home that is not ready yet because
        somebody else's initializer is still at work in it, or because what was there before is still being removed.
        """
        cluster = clusters.home_name(user.name)
        key = self._logical_clusters.key(cluster, "", content.LOGICAL_CLUSTER)
        self._check_identity(user)
        for _ in range(ATTEMPTS):
            snapshot = await self._store.snapshot()
            row = await snapshot.get(key)
            if row is not None:
                return self._shown(cluster, self._logical_clusters.decode(row.value, row.revision))
            await self._check_right(user)
            if await snapshot.get(sweep_row(cluster)) is not None:
                break
            await self._create(snapshot, user, cluster, key)
        raise errors.too_many_requests(CREATING, 1)

    def _check_identity(self, user: User) -> None:
        if is_service_account(user.name) or not in_scope(user, ROOT):
            raise denial(_question(user), NOT_PERMITTED)

    async def _check_right(self, user: User) -> None:
        question = _question(user)
        if not (await self._chain.authorize(question)).allowed:
            raise denial(question, NOT_PERMITTED)

    async def _create(self, snapshot: Snapshot, user: User, cluster: str, key: bytes) -> None:
        """Write the logical cluster and its content, unless somebody else just has."""
        try:
            closure = await self._types.closure(snapshot, ROOT, TYPE)
        except BrokenType as error:
            raise errors.internal(str(error)) from None
        if closure is None:
            raise errors.internal(f"workspacetypes.tenancy.kcp.io {ROOT}:{TYPE} not found")
        birth = content.Birth(
            cluster=cluster,
            path=home_path(user.name),
            type_reference=closure.type.reference,
            shard=self._shard.name,
            external_url=self._shard.external_url,
            creator=user,
            owner=None,
            initializers=closure.initializers,
            pending=closure.pending_initializers,
            universal=closure.universal,
            terminators=closure.terminators,
        )
        plan = Plan(snapshot)
        await self._beginning.plan(plan, birth, closure, self._clock.now())
        # What a home of the same name has left behind is swept up by its key range: never into a new one.
        guards = [Guard(key, 0), Guard(sweep_row(cluster), 0), *plan.guards]
        pointers = [Write(key, value) for key, value in plan.pointers.items()]
        try:
            await self._store.commit([*plan.writes, *pointers], guards)
        except GuardFailed:
            return

    def _shown(self, cluster: str, logical_cluster: Object) -> Object:
        """The Workspace that stands for a home."""
        metadata, status = logical_cluster["metadata"], logical_cluster.get("status") or {}
        if status.get("phase") in (content.INITIALIZING, "Scheduling"):
            if _age(metadata["creationTimestamp"], self._clock.now()) > PATIENCE_SECONDS:
                raise errors.internal(TIMED_OUT)
            raise errors.too_many_requests(CREATING, 1)
        told = {name: status[name] for name in ("phase", "conditions", "initializers") if status.get(name)}
        kind = self._kinds.get("tenancy.kcp.io", "workspaces").type
        return {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": {"name": metadata["name"], "creationTimestamp": metadata["creationTimestamp"]},
            "spec": {"cluster": cluster, "URL": status["URL"]},
            "status": told,
        }


def _question(user: User) -> Attributes:
    """What authorization is asked about a user who has no home yet."""
    return Attributes(user, "create", ROOT, "tenancy.kcp.io", "v1alpha1", "workspaces", name=NAME)


def _age(created: str, now: datetime) -> float:
    return (now - clock.parse(created)).total_seconds()
