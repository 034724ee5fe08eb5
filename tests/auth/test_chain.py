"""The chain of authorizers over a real store: who passes which step, and that a revocation holds at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from auth_world import ACCESS, READ_MAPS, World, account, asked, someone

from manifold.auth.chain import Chain
from manifold.auth.denial import denial
from manifold.auth.rbac.store import RBAC
from manifold.base.errors import StatusError
from manifold.base.user import User, anonymous
from manifold.storage.contract import Change, Store

MASTER = User("m", groups=("system:masters",))
ADMIN = someone("kcp-admin", "system:kcp:admin")
ALICE, BOB, EVE = someone("alice"), someone("bob"), someone("eve")


async def ordinary(world: World) -> None:
    """Workspace `w`: alice administers it, bob may enter and read config maps in `ns`, eve may only enter."""
    await world.cluster("w")
    await world.bind("w", "workspace-admin", "cluster-admin", "User alice")
    await world.role("w", "enter", ACCESS)
    await world.bind("w", "enter", "enter", "User bob", "User eve")
    await world.role("w", "reader", READ_MAPS, namespace="ns")
    await world.bind("w", "reader", "reader", "User bob", namespace="ns", kind="Role")
    await world.bind("w", "inside", "view", "User mallory")


MATRIX = [
    # user, verb, what, allowed
    (MASTER, "delete", "secrets x/y", True),
    (ADMIN, "delete", "secrets x/y", True),
    (ALICE, "delete", "secrets x/y", True),
    (ALICE, "list", "x.io:things", True),
    (ALICE, "get", "/anything", True),
    (BOB, "get", "configmaps ns/a", True),
    (BOB, "list", "configmaps ns", True),
    (BOB, "list", "configmaps", False),
    (BOB, "list", "configmaps other", False),
    (BOB, "delete", "configmaps ns/a", False),
    (BOB, "get", "configmaps/status ns/a", False),
    (BOB, "get", "secrets ns/a", False),
    (BOB, "get", "/apis", True),
    (BOB, "get", "/metrics", False),
    (BOB, "create", "authorization.k8s.io:selfsubjectaccessreviews", True),
    (BOB, "create", "authentication.k8s.io:tokenreviews", False),
    (EVE, "get", "configmaps ns/a", False),
    (EVE, "get", "/version", True),
    # mallory has rights but may not enter, so they do not apply
    (someone("mallory"), "list", "configmaps ns", False),
    (someone("mallory"), "get", "/apis", False),
    (someone("mallory"), "create", "authentication.k8s.io:selfsubjectreviews", False),
    (anonymous(), "get", "/apis", False),
    (anonymous(), "get", "/healthz", True),
    (anonymous(), "get", "/readyz", True),
    (anonymous(), "get", "/readyz/log", False),
]


@pytest.mark.parametrize(("user", "verb", "what", "allowed"), MATRIX)
async def test_who_may_do_what(world: World, user: User, verb: str, what: str, allowed: bool) -> None:
    await ordinary(world)
    assert await world.may(user, verb, what) is allowed
    assert await world.may(user, verb, what) is allowed  # and from memory


@pytest.mark.parametrize("cluster", ["", "*", "system:admin", "system:shard", "nonexistent"])
async def test_only_masters_reach_what_is_no_workspace(world: World, cluster: str) -> None:
    assert await world.may(MASTER, "list", "namespaces", cluster)
    assert not await world.may(ADMIN, "list", "namespaces", cluster)
    assert not await world.may(anonymous(), "get", "/apis", cluster)


PHASES = [
    ("Scheduling", False),
    ("Initializing", True),
    ("Ready", True),
    ("Unavailable", False),
    ("Inactive", True),
    ("Terminating", True),
    ("Deleting", True),
]


@pytest.mark.parametrize(("phase", "reachable"), PHASES)
async def test_phases(world: World, phase: str, reachable: bool) -> None:
    await world.cluster("w", phase)
    controller = User("c", groups=("system:kcp:logical-cluster-admin",))
    assert await world.may(ADMIN, "list", "namespaces") is reachable
    assert await world.may(controller, "get", "core.kcp.io:logicalclusters -/cluster")
    assert await world.may(MASTER, "list", "namespaces")


@pytest.mark.parametrize(
    ("phase", "group", "allowed"),
    [
        ("Initializing", "system:kcp:initializer:root:x", True),
        ("Initializing", "system:kcp:initializer:root:y", False),
        ("Ready", "system:kcp:initializer:root:x", False),
        ("Deleting", "system:kcp:terminator:root:t", True),
        ("Deleting", "system:kcp:initializer:root:t", False),
    ],
)
async def test_those_who_build_or_end_a_workspace(world: World, phase: str, group: str, allowed: bool) -> None:
    await world.cluster("w", phase, initializers=["root:x"], terminators=["root:t"])
    assert await world.may(User("c", groups=(group,)), "create", "configmaps ns") is allowed


REQUIRED = [
    (("a", "b"), True),
    (("a",), False),
    (("c",), True),
    ((), False),
    (("system:kcp:admin",), True),
    (("system:kcp:tenancy:workspace-bootstrapper",), True),
]


@pytest.mark.parametrize(("groups", "allowed"), REQUIRED)
async def test_required_groups(world: World, groups: tuple[str, ...], allowed: bool) -> None:
    await world.cluster("w", required="a,b;c")
    await world.bind("w", "all", "cluster-admin", "Group system:authenticated")
    assert await world.may(someone("u", *groups), "list", "configmaps") is allowed


async def test_required_groups_do_not_bind_service_accounts(world: World) -> None:
    await world.cluster("w", required="a")
    await world.bind("w", "all", "cluster-admin", "Group system:authenticated")
    assert await world.may(account("w", "ns", "a"), "list", "configmaps")
    assert not await world.may(someone("u"), "list", "configmaps")


@pytest.mark.parametrize("required", [";", ",", " , ; "])
async def test_required_groups_that_name_none_let_nobody_in(world: World, required: str) -> None:
    await world.cluster("w", required=required)
    await world.bind("w", "all", "cluster-admin", "Group system:authenticated")
    assert not await world.may(someone("u"), "list", "configmaps")


async def test_service_accounts_at_home_and_abroad(world: World) -> None:
    for cluster in ("home", "w"):
        await world.cluster(cluster)
        await world.role(cluster, "maps", READ_MAPS)
        await world.bind(cluster, "maps", "maps", "ServiceAccount ns/a")
    robot = account("home", "ns", "a")
    assert await world.may(robot, "list", "configmaps", "home")  # enters its own workspace without being let in
    assert not await world.may(robot, "list", "configmaps", "w")  # a namesake is another account
    await world.role("w", "enter", ACCESS)
    await world.bind("w", "enter", "enter", "Group system:cluster:home")
    assert not await world.may(robot, "list", "configmaps", "w")
    await world.bind("w", "foreign", "maps", "User system:kcp:serviceaccount:home:ns:a")
    assert await world.may(robot, "list", "configmaps", "w")


@pytest.mark.parametrize("resource", ["apibindings/status", "apiexports/status"])
@pytest.mark.parametrize("verb", ["get", "update"])
async def test_system_status_is_for_masters(world: World, resource: str, verb: str) -> None:
    await world.cluster("w")
    assert not await world.may(ADMIN, verb, f"apis.kcp.io:{resource} -/x")
    assert not await world.may(ADMIN, verb, f"apis.kcp.io:{resource} -/x", deep=True)
    assert await world.may(MASTER, verb, f"apis.kcp.io:{resource} -/x")
    assert await world.may(ADMIN, verb, f"apis.kcp.io:{resource.partition('/')[0]} -/x")


async def test_a_maximal_permission_policy_bounds_even_administrators(world: World) -> None:
    await ordinary(world)
    what = "tenancy.kcp.io:workspaces"
    assert await world.may(ALICE, "delete", what)
    world.policies.table["w", "tenancy.kcp.io", "workspaces"] = "exporter"
    assert not await world.may(ALICE, "delete", what)
    rule = {"apiGroups": ["tenancy.kcp.io"], "resources": ["workspaces"], "verbs": ["get", "delete"]}
    await world.role("exporter", "policy", rule)
    bound = await world.bind("exporter", "policy", "policy", "Group apis.kcp.io:binding:system:authenticated")
    assert await world.may(ALICE, "delete", what)
    assert not await world.may(ALICE, "create", what)
    assert not await world.may(BOB, "delete", what)  # the policy bounds, it grants nothing
    assert not await world.may(account("elsewhere", "ns", "a"), "get", what)
    await world.delete(bound)
    assert not await world.may(ALICE, "delete", what)
    del world.policies.table["w", "tenancy.kcp.io", "workspaces"]
    assert await world.may(ALICE, "delete", what)


async def test_a_policy_by_name_is_remembered_by_name(world: World) -> None:
    await ordinary(world)
    world.policies.table["w", "x.io", "things"] = "exporter"
    rule = {"apiGroups": ["x.io"], "resources": ["things"], "verbs": ["get"], "resourceNames": ["a"]}
    await world.role("exporter", "policy", rule)
    await world.bind("exporter", "policy", "policy", "User apis.kcp.io:binding:alice")
    for _ in range(2):
        assert await world.may(ALICE, "get", "x.io:things ns/a")
        assert not await world.may(ALICE, "get", "x.io:things ns/b")


async def test_deep_questions_skip_entering(world: World) -> None:
    await world.cluster("w", "Scheduling", required="nobody")
    use = {"apiGroups": ["tenancy.kcp.io"], "resources": ["workspacetypes"], "resourceNames": ["t"], "verbs": ["use"]}
    await world.role("w", "use", use)
    await world.bind("w", "use", "use", "Group system:authenticated")
    world.policies.table["w", "tenancy.kcp.io", "workspacetypes"] = "exporter"
    assert not await world.may(EVE, "use", "tenancy.kcp.io:workspacetypes -/t")
    assert await world.may(EVE, "use", "tenancy.kcp.io:workspacetypes -/t", deep=True)
    assert not await world.may(EVE, "use", "tenancy.kcp.io:workspacetypes -/u", deep=True)
    assert not await world.may(ADMIN, "use", "tenancy.kcp.io:workspacetypes -/t", "system:admin", deep=True)


async def test_a_revocation_holds_from_the_next_question(world: World) -> None:
    await world.cluster("w")
    role = await world.role("w", "maps", READ_MAPS, ACCESS)
    assert not await world.may(EVE, "list", "configmaps")
    bound = await world.bind("w", "maps", "maps", "User eve")
    assert await world.may(EVE, "list", "configmaps")
    await world.delete(bound)
    assert not await world.may(EVE, "list", "configmaps")
    await world.bind("w", "maps", "maps", "User eve")
    assert await world.may(EVE, "list", "configmaps")
    await world.put(role, {"rules": [ACCESS]})
    assert not await world.may(EVE, "list", "configmaps")
    await world.put(role, {"rules": [READ_MAPS, ACCESS]})
    assert await world.may(EVE, "list", "configmaps")
    await world.cluster("w", "Unavailable")
    assert not await world.may(EVE, "list", "configmaps")


async def test_a_change_in_one_workspace_leaves_the_memory_of_others(world: World) -> None:
    for cluster in ("v", "w"):
        await world.cluster(cluster)
        await world.bind(cluster, "all", "cluster-admin", "User eve")
    held = await world.chain.rbac.policy("v")
    assert await world.may(EVE, "list", "configmaps", "v")
    await world.role("w", "x", ACCESS)
    assert (await world.chain.rbac.policy("v")) is held
    assert not held.stale


async def test_what_is_written_to_system_admin_holds_everywhere(world: World) -> None:
    await world.cluster("w")
    await world.role("w", "enter", ACCESS)
    await world.bind("w", "enter", "enter", "User eve")
    assert not await world.may(EVE, "list", "configmaps")
    assert await world.may(ADMIN, "list", "configmaps")  # by the built-in policy, nothing having been written
    await world.role("system:admin", "view-maps", READ_MAPS)
    bound = await world.bind("system:admin", "view-maps", "view-maps", "Group system:authenticated")
    assert await world.may(EVE, "list", "configmaps")
    assert not await world.may(ADMIN, "list", "configmaps")  # what is written is all there is
    await world.delete(bound)
    assert not await world.may(EVE, "list", "configmaps")


async def test_local_bindings_may_name_roles_of_the_bootstrap_policy(world: World) -> None:
    await world.cluster("w")
    await world.bind("w", "enter", "system:kcp:workspace:access", "User eve")
    await world.bind("w", "edit", "edit", "User eve", namespace="ns")
    assert await world.may(EVE, "create", "configmaps ns")
    assert not await world.may(EVE, "create", "configmaps other")
    await world.role("w", "edit", READ_MAPS)  # a role of the workspace's own goes first
    assert not await world.may(EVE, "create", "configmaps ns")
    assert await world.may(EVE, "list", "configmaps ns")


async def test_metrics_are_a_matter_of_root(world: World) -> None:
    assert not await world.may(EVE, "get", "/metrics", "")
    await world.bind("root", "metrics", "system:kcp:metrics-reader", "User eve")
    assert await world.may(EVE, "get", "/metrics", "")
    assert not await world.may(EVE, "get", "/version", "")


class SlowStore:
    """A store whose snapshots are handed out late, so that a change can overtake a load."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.gate = asyncio.Event()
        self.asked = asyncio.Event()

    def listen(self, listener: object) -> None:
        self._store.listen(listener)  # type: ignore[arg-type]  # passed through as it came

    async def snapshot(self, revision: int = 0) -> object:
        snapshot = await self._store.snapshot(revision)
        self.asked.set()
        await self.gate.wait()
        return snapshot

    async def commit(self, writes: Sequence[object], guards: Sequence[object] = ()) -> int:
        raise NotImplementedError

    async def changes(self, after: int, limit: int = 1000) -> Sequence[Change]:
        raise NotImplementedError


async def test_a_load_overtaken_by_a_change_is_not_kept(world: World) -> None:
    await world.cluster("w")
    await world.role("w", "maps", READ_MAPS, ACCESS)
    bound = await world.bind("w", "maps", "maps", "User eve")
    slow = SlowStore(world.store)
    chain = Chain(slow, world.policies)  # type: ignore[arg-type]  # the part of a store a chain needs
    question = asked(EVE, "list", "configmaps")
    early = asyncio.ensure_future(chain.authorize(question))
    await slow.asked.wait()
    await world.delete(bound)
    await world.cluster("w", "Unavailable")
    slow.gate.set()
    await early  # asked before the change: either answer is right
    assert not (await chain.authorize(question)).allowed


async def test_memory_is_bounded(world: World) -> None:
    chain = Chain(world.store, world.policies, decisions=100)
    for number in range(1000):
        assert not (await chain.authorize(asked(EVE, "list", "configmaps", f"c{number}"))).allowed
    assert len(chain._known) <= 100


async def test_evicted_policies_are_still_revoked(world: World) -> None:
    chain = Chain(world.store, world.policies, RBAC(world.store, limit=3))
    bounds = []
    for number in range(4):
        await world.cluster(f"c{number}")
        bounds.append(await world.bind(f"c{number}", "all", "cluster-admin", "User eve"))
    for number in range(4):
        assert (await chain.authorize(asked(EVE, "list", "configmaps", f"c{number}"))).allowed
    for number in range(4):
        await world.delete(bounds[number])
        assert not (await chain.authorize(asked(EVE, "list", "configmaps", f"c{number}"))).allowed


DENIALS = [
    (
        "list",
        "configmaps ns",
        'configmaps is forbidden: User "eve" cannot list resource "configmaps" in API group "" '
        'in the namespace "ns": access denied',
        {"kind": "configmaps"},
    ),
    (
        "get",
        "configmaps ns/c1",
        'configmaps "c1" is forbidden: User "eve" cannot get resource "configmaps" in API group '
        '"" in the namespace "ns": access denied',
        {"name": "c1", "kind": "configmaps"},
    ),
    (
        "list",
        "namespaces",
        'namespaces is forbidden: User "eve" cannot list resource "namespaces" in API group "" '
        "at the cluster scope: access denied",
        {"kind": "namespaces"},
    ),
    (
        "patch",
        "namespaces/status w/w",
        'namespaces "w" is forbidden: User "eve" cannot patch resource '
        '"namespaces/status" in API group "" in the namespace "w": access denied',
        {"name": "w", "kind": "namespaces"},
    ),
    (
        "get",
        "t.example.com:widgets w/a",
        'widgets.t.example.com "a" is forbidden: User "eve" cannot get resource '
        '"widgets" in API group "t.example.com" in the namespace "w": access denied',
        {"name": "a", "group": "t.example.com", "kind": "widgets"},
    ),
    ("get", "/metrics", 'forbidden: User "eve" cannot get path "/metrics": access denied', {}),
]


@pytest.mark.parametrize(("verb", "what", "message", "details"), DENIALS)
def test_denials(verb: str, what: str, message: str, details: dict[str, str]) -> None:
    error = denial(asked(EVE, verb, what))
    assert isinstance(error, StatusError)
    assert (error.code, error.reason, error.message, error.details) == (403, "Forbidden", message, details)
