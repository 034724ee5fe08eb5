"""Acting as somebody else."""

from __future__ import annotations

import pytest
from auth_world import ACCESS, World, asked, someone

from manifold.auth.impersonation import impersonate, requested_user
from manifold.base.errors import StatusError
from manifold.base.user import AUTHENTICATED, User, anonymous

MASTER = User("m", groups=("system:masters", AUTHENTICATED))
ADMIN = someone("kcp-admin", "system:kcp:admin")
OWNER = someone("owner")
BOB = someone("bob")
SCOPES = "authentication.kcp.io/scopes"
NOT_ALLOWED = "forbidden: impersonation is not allowed for the requestor"


def headers(user: str = "", *groups: str, uid: str = "", **extra: str) -> list[tuple[str, str]]:
    found = [("accept", "*/*")]
    if user:
        found.append(("impersonate-user", user))
    found += [("impersonate-group", group) for group in groups]
    if uid:
        found.append(("impersonate-uid", uid))
    return found + [(f"impersonate-extra-{key}", value) for key, value in extra.items()]


async def act(
    world: World, requester: User, wanted: list[tuple[str, str]], verb: str = "list", what: str = "configmaps w"
) -> User:
    identity = requested_user(wanted)
    assert identity is not None
    return await impersonate(world.chain, asked(requester, verb, what), identity)


async def message(
    world: World, requester: User, wanted: list[tuple[str, str]], verb: str = "list", what: str = "configmaps w"
) -> tuple[int, str]:
    with pytest.raises(StatusError) as raised:
        await act(world, requester, wanted, verb, what)
    return raised.value.code, raised.value.message


async def settled(world: World) -> None:
    await world.cluster("w")
    await world.bind("w", "owner", "cluster-admin", "User owner")
    await world.bind("w", "enter", "system:kcp:workspace:access", "User bob")


def test_headers() -> None:
    assert requested_user([("accept", "x")]) is None
    wanted = requested_user(
        [
            ("impersonate-user", "bob"),
            ("impersonate-group", "a"),
            ("impersonate-group", "b"),
            ("impersonate-uid", "u1"),
            ("impersonate-extra-authentication.kcp.io%2Fscopes", "cluster:x"),
            ("impersonate-extra-scopes", "x"),
            ("impersonate-extra-scopes", "y"),
        ]
    )
    assert wanted == User("bob", "u1", ("a", "b"), {SCOPES: ("cluster:x",), "scopes": ("x", "y")})


async def test_masters_become_anyone_unconfined(world: World) -> None:
    user = await act(world, MASTER, headers("bob", "a", "b", uid="u1", scopes="x"))
    assert user == User("bob", "u1", ("a", "b", AUTHENTICATED), {"scopes": ("x",)})
    assert (await act(world, MASTER, headers("x", "system:masters"))).privileged
    account = await act(world, MASTER, headers("system:serviceaccount:w:default"))
    assert account.groups == ("system:serviceaccounts", "system:serviceaccounts:w", AUTHENTICATED)
    assert await act(world, MASTER, headers("system:anonymous")) == anonymous()
    assert (await act(world, MASTER, headers("x", "system:unauthenticated"))).groups == ("system:unauthenticated",)


async def test_a_group_needs_a_user(world: World) -> None:
    assert await message(world, MASTER, headers("", "g")) == (
        400,
        'requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"g"}, Extra:map[string][]string(nil)} '
        "without impersonating a user name",
    )
    assert await message(world, MASTER, headers("", uid="u", scopes="x")) == (
        400,
        'requested &user.DefaultInfo{Name:"", UID:"u", Groups:[]string(nil), '
        'Extra:map[string][]string{"scopes":[]string{"x"}}} without impersonating a user name',
    )


async def test_an_administrator_of_a_workspace_is_confined_to_it(world: World) -> None:
    await settled(world)
    user = await act(world, OWNER, headers("carol", "g"))
    assert user == User("carol", groups=("g", AUTHENTICATED), extra={SCOPES: ("cluster:w",)})
    narrowed = requested_user([("impersonate-user", "carol"), ("impersonate-extra-" + SCOPES, "cluster:v")])
    assert narrowed is not None
    user = await impersonate(world.chain, asked(OWNER, "list", "configmaps w"), narrowed)
    assert user.extra[SCOPES] == ("cluster:v", "cluster:w")


RESERVED = [
    headers("bob", "system:masters"),
    headers("", "system:masters"),
    headers("bob", "system:kcp:admin"),
    headers("bob", "g", "system:kcp:logical-cluster-admin"),
    headers("bob", "system:kcp:external-logical-cluster-admin"),
    headers("bob", "system:kcp:tenancy:workspace-bootstrapper"),
    headers("bob", "system:kcp:initializer:root:x"),
    headers("bob", "system:cluster:other"),
    headers("system:apiserver"),
    headers("system:kcp:serviceaccount:other:ns:a"),
    [
        *headers("bob"),
        ("impersonate-extra-authorization.kcp.io%2fwarrant", '{"user":"x","groups":["system:kcp:admin"]}'),
    ],
    [*headers("system:serviceaccount:ns:a"), ("impersonate-extra-authentication.kcp.io%2fcluster-name", "other")],
]


@pytest.mark.parametrize("wanted", RESERVED)
async def test_identities_of_the_system_are_not_for_tenants(world: World, wanted: list[tuple[str, str]]) -> None:
    await settled(world)
    assert await message(world, OWNER, wanted) == (403, NOT_ALLOWED)
    if any(name == "impersonate-user" for name, _ in wanted):
        assert await act(world, MASTER, wanted)


async def test_one_may_pass_on_a_group_one_has(world: World) -> None:
    await settled(world)
    assert "system:kcp:admin" in (await act(world, ADMIN, headers("bob", "system:kcp:admin"))).groups
    assert AUTHENTICATED in (await act(world, OWNER, headers("bob", AUTHENTICATED))).groups
    assert await message(world, ADMIN, headers("bob", "system:masters")) == (403, NOT_ALLOWED)


async def test_a_service_account_of_the_workspace_keeps_its_home(world: World) -> None:
    await settled(world)
    wanted = [*headers("system:serviceaccount:ns:a"), ("impersonate-extra-authentication.kcp.io%2fcluster-name", "w")]
    user = await act(world, OWNER, wanted)
    assert user.extra == {"authentication.kcp.io/cluster-name": ("w",), SCOPES: ("cluster:w",)}


async def test_without_the_right_the_refusal_is_about_the_request(world: World) -> None:
    await settled(world)
    assert await message(world, BOB, headers("alice", "g")) == (
        403,
        'configmaps is forbidden: User "bob" cannot impersonate-on:user-info:list resource "configmaps" in API group '
        '"" in the namespace "w": access denied',
    )
    assert await message(world, BOB, headers("system:serviceaccount:w:a"), "get", "/apis") == (
        403,
        'forbidden: User "bob" cannot impersonate-on:serviceaccount:get path "/apis": access denied',
    )
    assert (await message(world, anonymous(), headers("alice")))[0] == 403


async def allow(world: World, *rules: dict[str, list[str]]) -> None:
    await world.role("w", "impersonator", *rules)
    await world.bind("w", "impersonator", "impersonator", "User bob")


def rule(verb: str, group: str, resource: str, *names: str) -> dict[str, list[str]]:
    found = {"verbs": [verb], "apiGroups": [group], "resources": [resource]}
    return {**found, "resourceNames": list(names)} if names else found


async def test_the_classic_verb(world: World) -> None:
    await settled(world)
    await allow(
        world,
        rule("impersonate", "", "users", "alice"),
        rule("impersonate", "", "groups", "g"),
        rule("impersonate", "authentication.k8s.io", "userextras/color", "red"),
        rule("impersonate", "authentication.k8s.io", "uids", "1"),
        rule("impersonate", "", "serviceaccounts", "a"),
    )
    assert (await act(world, BOB, headers("alice", "g", uid="1", color="red"))).name == "alice"
    assert (await act(world, BOB, headers("system:serviceaccount:ns:a"))).name == "system:serviceaccount:ns:a"
    for wanted in (
        headers("carol"),
        headers("alice", "h"),
        headers("alice", uid="2"),
        headers("alice", color="blue"),
        headers("alice", size="red"),
        headers("system:serviceaccount:ns:b"),
    ):
        assert (await message(world, BOB, wanted))[0] == 403


async def test_the_constrained_verbs(world: World) -> None:
    await settled(world)
    await allow(
        world,
        rule("impersonate:user-info", "authentication.k8s.io", "users", "alice"),
        rule("impersonate-on:user-info:list", "", "configmaps"),
    )
    assert (await act(world, BOB, headers("alice"))).name == "alice"
    assert (await message(world, BOB, headers("alice"), "get", "configmaps w/a"))[0] == 403
    assert await message(world, BOB, headers("carol")) == (
        403,
        'users.authentication.k8s.io "carol" is forbidden: User "bob" cannot impersonate:user-info resource "users" in '
        'API group "authentication.k8s.io" at the cluster scope: access denied',
    )


async def test_nobody_impersonates_where_they_may_not_enter(world: World) -> None:
    await world.cluster("w")
    await allow(world, rule("impersonate", "", "users"), rule("impersonate", "", "groups"))
    assert (await message(world, BOB, headers("alice")))[0] == 403
    await world.role("w", "enter", ACCESS)
    await world.bind("w", "enter", "enter", "User bob")
    assert await act(world, BOB, headers("alice"))
