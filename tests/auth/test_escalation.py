"""Nobody grants what they do not have."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from auth_world import ACCESS, World, someone
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import examples

from manifold.auth.escalation import MAX_COMPARISONS, check_binding, check_role, only_collected, uncovered
from manifold.auth.rbac.policy import Binding, ask_path, ask_resource, compile_policy
from manifold.auth.rbac.rules import CompiledRule, Rule, shown
from manifold.base.errors import StatusError
from manifold.base.user import User

BOB = someone("bob", "g1")
SECRETS = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["secrets"]}
MAPS = {"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"]}
WRITE_ROLES = {
    "verbs": ["get", "create", "update", "patch"],
    "apiGroups": ["rbac.authorization.k8s.io"],
    "resources": ["roles", "rolebindings"],
}


def role(name: str, *rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "w"}, "rules": list(rules), **more}


def binding(name: str, kind: str, to: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "w"}, "roleRef": {"kind": kind, "name": to}}


async def settled(world: World) -> None:
    await world.cluster("w")
    await world.role("w", "enter", ACCESS)
    await world.bind("w", "enter", "enter", "User bob")
    await world.role("w", "rolemaker", WRITE_ROLES, MAPS, namespace="w")
    await world.bind("w", "rolemaker", "rolemaker", "User bob", namespace="w", kind="Role")
    await world.role("w", "sec", SECRETS, namespace="w")


async def refused(check: Any) -> StatusError:
    with pytest.raises(StatusError) as raised:
        await check
    return raised.value


async def test_a_role_with_more_than_its_writer_has(world: World) -> None:
    await settled(world)
    deployments = {"verbs": ["*"], "apiGroups": ["apps"], "resources": ["deployments"]}
    new = role("more", SECRETS, deployments, {**MAPS, "resourceNames": ["a"]})
    error = await refused(check_role(world.chain, BOB, "w", "roles", "w", new))
    assert error.code == 403
    assert error.message == (
        'roles.rbac.authorization.k8s.io "more" is forbidden: user "bob" (groups=["g1" "system:authenticated"]) is '
        "attempting to grant RBAC permissions not currently held:\n"
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}\n'
        '{APIGroups:["apps"], Resources:["deployments"], Verbs:["*"]}'
    )
    assert error.details == {"name": "more", "group": "rbac.authorization.k8s.io", "kind": "roles"}


async def test_a_role_within_what_its_writer_has(world: World) -> None:
    await settled(world)
    await check_role(world.chain, BOB, "w", "roles", "w", role("less", {**MAPS, "resourceNames": ["a"]}))
    await refused(check_role(world.chain, BOB, "w", "roles", "other", role("less", MAPS)))
    await refused(check_role(world.chain, BOB, "w", "clusterroles", "", role("less", MAPS)))


async def test_who_may_escalate_may_write_any_role(world: World) -> None:
    await settled(world)
    escalate = {"verbs": ["escalate"], "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"]}
    await world.role("w", "escalator", {**escalate, "resourceNames": ["one"]}, namespace="w")
    await world.bind("w", "escalator", "escalator", "User bob", namespace="w", kind="Role")
    await check_role(world.chain, BOB, "w", "roles", "w", role("one", SECRETS), role("one"))
    await refused(check_role(world.chain, BOB, "w", "roles", "w", role("two", SECRETS), role("two")))
    await refused(check_role(world.chain, BOB, "w", "roles", "w", role("one", SECRETS)))
    await check_role(world.chain, User("m", groups=("system:masters",)), "w", "roles", "w", role("two", SECRETS))


async def test_dropping_a_finalizer_is_no_escalation(world: World) -> None:
    await settled(world)
    old = role("more", SECRETS)
    old["metadata"]["finalizers"] = ["x/y"]
    await check_role(world.chain, BOB, "w", "roles", "w", role("more", SECRETS), old)
    assert only_collected(role("a"), role("a"))
    assert not only_collected(role("a", MAPS), role("a"))


async def test_aggregation_needs_everything(world: World) -> None:
    await settled(world)
    await world.bind("w", "rolemaker", "admin", "User bob")
    gathering = role("agg", aggregationRule={"clusterRoleSelectors": []})
    for old in (None, role("agg")):
        error = await refused(check_role(world.chain, BOB, "w", "clusterroles", "", gathering, old))
        assert error.message.endswith(
            '"agg" is forbidden: must have cluster-admin privileges to use an aggregationRule'
        )
    await refused(check_role(world.chain, BOB, "w", "clusterroles", "", role("agg"), gathering))
    await world.bind("w", "all", "cluster-admin", "User bob")
    await check_role(world.chain, BOB, "w", "clusterroles", "", gathering)


async def test_bindings(world: World) -> None:
    await settled(world)
    error = await refused(check_binding(world.chain, BOB, "w", "rolebindings", "w", binding("more", "Role", "sec")))
    assert error.message == (
        'rolebindings.rbac.authorization.k8s.io "more" is forbidden: user "bob" (groups=["g1" "system:authenticated"]) '
        "is attempting to grant RBAC permissions not currently held:\n"
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}'
    )
    error = await refused(check_binding(world.chain, BOB, "w", "rolebindings", "w", binding("x", "Role", "absent")))
    assert (error.code, error.message) == (404, 'rolebindings.rbac.authorization.k8s.io "absent" not found')
    await refused(
        check_binding(world.chain, BOB, "w", "rolebindings", "w", binding("x", "ClusterRole", "cluster-admin"))
    )
    await refused(check_binding(world.chain, BOB, "w", "clusterrolebindings", "", binding("x", "Role", "rolemaker")))
    await check_binding(world.chain, BOB, "w", "rolebindings", "w", binding("x", "Role", "rolemaker"))


async def test_who_may_bind_a_role_need_not_have_it(world: World) -> None:
    await settled(world)
    bind = {
        "verbs": ["bind"],
        "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": ["clusterroles"],
        "resourceNames": ["edit"],
    }
    await world.role("w", "binder", bind, namespace="w")
    await world.bind("w", "binder", "binder", "User bob", namespace="w", kind="Role")
    await check_binding(world.chain, BOB, "w", "rolebindings", "w", binding("x", "ClusterRole", "edit"))
    await refused(check_binding(world.chain, BOB, "w", "rolebindings", "w", binding("x", "ClusterRole", "admin")))
    await refused(check_binding(world.chain, BOB, "w", "clusterrolebindings", "", binding("x", "ClusterRole", "edit")))


async def test_a_huge_role_is_refused_and_not_compared_for_ever(world: World) -> None:
    await settled(world)
    many = [f"n{number}" for number in range(3000)]
    huge = {"verbs": ["get"], "apiGroups": many, "resources": many, "resourceNames": many}
    error = await refused(check_role(world.chain, BOB, "w", "roles", "w", role("huge", huge)))
    assert "too large to be compared" in error.message
    assert len(many) ** 2 > MAX_COMPARISONS


COVERAGE = [
    ([Rule(("*",), ("*",), ("*",))], Rule(("get",), ("a",), ("b",)), []),
    ([Rule(("*",), ("*",), ("*",))], Rule(("get",), urls=("/x",)), ['{NonResourceURLs:["/x"], Verbs:["get"]}']),
    (
        [Rule(("get",), ("a",), ("b",))],
        Rule(("*",), ("a",), ("b",)),
        ['{APIGroups:["a"], Resources:["b"], Verbs:["*"]}'],
    ),
    ([Rule(("get",), ("a",), ("*/s",))], Rule(("get",), ("a",), ("b/s",)), []),
    ([Rule(("get",), ("a",), ("b",), ("n",))], Rule(("get",), ("a",), ("b",), ("n",)), []),
    (
        [Rule(("get",), ("a",), ("b",), ("n",))],
        Rule(("get",), ("a",), ("b",), ("n", "m")),
        ['{APIGroups:["a"], Resources:["b"], ResourceNames:["m"], Verbs:["get"]}'],
    ),
    # a name that is empty is a name, and not all of them
    (
        [Rule(("get",), ("a",), ("b",), ("",))],
        Rule(("get",), ("a",), ("b",)),
        ['{APIGroups:["a"], Resources:["b"], Verbs:["get"]}'],
    ),
    ([Rule(("get",), urls=("/a/*",))], Rule(("get",), urls=("/a/b", "/a/*")), []),
    ([Rule(("get",), urls=("/a/b",))], Rule(("get",), urls=("/a/*",)), ['{NonResourceURLs:["/a/*"], Verbs:["get"]}']),
    (
        [Rule(("get",), ("a",), ("b",)), Rule(("list",), ("a",), ("b",))],
        Rule(("get", "list", "watch"), ("a",), ("b",)),
        ['{APIGroups:["a"], Resources:["b"], Verbs:["watch"]}'],
    ),
]


@pytest.mark.parametrize(("held", "wanted", "missing"), COVERAGE)
async def test_what_is_missing(held: list[Rule], wanted: Rule, missing: list[str]) -> None:
    assert [shown(rule) for rule in await uncovered(held, [wanted])] == missing


some = st.lists(st.sampled_from(["a", "b", "*"]), min_size=1, max_size=2).map(tuple)
any_rule = st.builds(
    Rule,
    some,
    some,
    st.lists(st.sampled_from(["a", "b", "a/s", "*/s", "*"]), min_size=1, max_size=2).map(tuple),
    st.lists(st.sampled_from(["n", "m"]), max_size=2).map(tuple),
)
path_rule = st.builds(
    lambda verbs, urls: Rule(verbs, urls=urls),
    some,
    st.lists(st.sampled_from(["/", "/a", "/a*", "*"]), min_size=1, max_size=2).map(tuple),
)


@settings(max_examples=examples(200))
@given(st.lists(any_rule | path_rule, max_size=3), st.lists(any_rule | path_rule, min_size=1, max_size=2))
def test_what_is_granted_is_never_more_than_what_is_held(held: list[Rule], wanted: list[Rule]) -> None:
    """Where nothing is missing, no question has a better answer with the new rules than with the old."""
    if asyncio.run(uncovered(held, wanted)):
        return

    def policy(rules: list[Rule]) -> Any:
        compiled = tuple(CompiledRule(rule) for rule in rules)
        return compile_policy({"r": compiled}, {}, [Binding("b", "", "ClusterRole", "r", (("User", "", "u"),))], {})

    before, after, user = policy(held), policy(wanted), [User("u")]
    for verb in "abc":
        for group in "abc":
            for resource, sub in (("a", ""), ("b", ""), ("a", "s"), ("b", "s"), ("c", "t")):
                for name in ("", "n", "m", "o"):
                    question = (verb, group, resource, sub, "", name)
                    if ask_resource([after], user, *question).grant is not None:
                        assert ask_resource([before], user, *question).grant is not None, question
        for path in ("/", "/a", "/ab", "/c"):
            if ask_path([after], user, verb, path) is not None:
                assert ask_path([before], user, verb, path) is not None
