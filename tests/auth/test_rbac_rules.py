"""Rules and policies, against tables and against an evaluator written the slow, obvious way."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import examples

from manifold.auth.rbac.policy import Binding, ask_path, ask_resource, compile_policy, compile_rules
from manifold.auth.rbac.rules import CompiledRule, Rule, parse_rules, shown
from manifold.base.user import User

MATCHES = [
    # verbs, groups, resources, names | verb, group, resource, subresource, name | allowed
    (["get"], [""], ["pods"], [], ("get", "", "pods", "", "a"), True),
    (["get"], [""], ["pods"], [], ("list", "", "pods", "", ""), False),
    (["get"], [""], ["pods"], [], ("get", "apps", "pods", "", "a"), False),
    (["get"], [""], ["pods"], [], ("get", "", "pods", "log", "a"), False),
    (["get"], [""], ["pods/log"], [], ("get", "", "pods", "log", "a"), True),
    (["get"], [""], ["pods/log"], [], ("get", "", "pods", "", "a"), False),
    (["get"], [""], ["*/log"], [], ("get", "", "pods", "log", "a"), True),
    (["get"], [""], ["*/log"], [], ("get", "", "pods", "", "a"), False),
    (["get"], [""], ["pods/*"], [], ("get", "", "pods", "log", "a"), False),
    (["get"], [""], ["*"], [], ("get", "", "pods", "log", "a"), True),
    (["*"], ["*"], ["*"], [], ("anything", "x.io", "things", "scale", ""), True),
    (["*"], [""], ["*"], [], ("get", "x.io", "things", "", ""), False),
    (["get"], [""], ["pods"], ["a"], ("get", "", "pods", "", "a"), True),
    (["get"], [""], ["pods"], ["a"], ("get", "", "pods", "", "b"), False),
    (["create"], [""], ["pods"], ["a"], ("create", "", "pods", "", ""), False),
    ([], [""], ["pods"], [], ("get", "", "pods", "", "a"), False),
    (["get"], [], ["pods"], [], ("get", "", "pods", "", "a"), False),
    (["get"], ["*"], [], [], ("get", "", "pods", "", "a"), False),
]


@pytest.mark.parametrize(("verbs", "groups", "resources", "names", "question", "allowed"), MATCHES)
def test_a_rule_on_resources(
    verbs: list[str], groups: list[str], resources: list[str], names: list[str], question: Any, allowed: bool
) -> None:
    rules = compile_rules([{"verbs": verbs, "apiGroups": groups, "resources": resources, "resourceNames": names}])
    policy = compile_policy({"r": rules}, {}, [Binding("b", "", "ClusterRole", "r", (("User", "", "u"),))], {})
    verb, group, resource, subresource, name = question
    answer = ask_resource([policy], [User("u")], verb, group, resource, subresource, "", name)
    assert (answer.grant is not None) is allowed


@pytest.mark.parametrize(
    ("urls", "path", "allowed"),
    [
        (["/healthz"], "/healthz", True),
        (["/healthz"], "/healthz/ping", False),
        (["/healthz/*"], "/healthz/ping", True),
        (["/healthz/*"], "/healthz", False),
        (["/healthz*"], "/healthzzz", True),
        (["*"], "/anything", True),
        (["/a/*/b"], "/a/x/b", False),
        (["/a/**"], "/a/b", True),
        ([], "/", False),
    ],
)
def test_a_rule_on_paths(urls: list[str], path: str, allowed: bool) -> None:
    rule = CompiledRule(Rule(("get",), urls=tuple(urls)))
    assert rule.allows_path("get", path) is allowed
    assert not rule.allows_path("post", path)


def test_rules_as_refusals_show_them() -> None:
    rule = Rule(("get", "list"), ("", "apps"), ("a/b",), ('"q"',))
    assert shown(rule) == '{APIGroups:["" "apps"], Resources:["a/b"], ResourceNames:["\\"q\\""], Verbs:["get" "list"]}'
    assert shown(Rule(("get",), urls=("/x",))) == '{NonResourceURLs:["/x"], Verbs:["get"]}'


def test_what_is_not_a_rule_grants_nothing() -> None:
    assert parse_rules(None) == ()
    assert parse_rules(["x", {"verbs": "get", "apiGroups": [1, ""]}]) == (Rule(groups=("",)),)


SUBJECTS = [
    # kind, namespace, name | user | granted
    ("User", "", "u", User("u"), True),
    ("User", "", "u", User("v", groups=("u",)), False),
    ("Group", "", "g", User("u", groups=("f", "g")), True),
    ("Group", "", "g", User("g"), False),
    ("ServiceAccount", "ns", "a", User("system:serviceaccount:ns:a"), True),
    ("ServiceAccount", "other", "a", User("system:serviceaccount:ns:a"), False),
    ("ServiceAccount", "", "a", User("system:serviceaccount:ns:a"), True),
    ("User", "", "system:serviceaccount:ns:a", User("system:serviceaccount:ns:a"), True),
    ("Group", "", "*", User("u", groups=("g",)), False),
    ("", "", "u", User("u"), False),
]


@pytest.mark.parametrize(("kind", "namespace", "name", "user", "granted"), SUBJECTS)
def test_subjects(kind: str, namespace: str, name: str, user: User, granted: bool) -> None:
    rules = compile_rules([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}])
    binding = Binding("b", "ns", "Role", "r", ((kind, namespace, name),))
    policy = compile_policy({}, {("ns", "r"): rules}, [binding], {})
    assert (ask_resource([policy], [user], "get", "", "x", "", "ns", "").grant is not None) is granted
    assert ask_resource([policy], [user], "get", "", "x", "", "elsewhere", "").grant is None
    assert ask_resource([policy], [user], "get", "", "x", "", "", "").grant is None
    assert ask_path([policy], [user], "get", "/x") is None


def test_a_cluster_wide_binding_without_a_namespace_for_its_account_grants_nothing() -> None:
    rules = compile_rules([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}])
    binding = Binding("b", "", "ClusterRole", "r", (("ServiceAccount", "", "a"),))
    policy = compile_policy({"r": rules}, {}, [binding], {})
    assert not policy.users


def test_a_reason_names_binding_role_and_subject() -> None:
    rules = compile_rules([{"verbs": ["get"], "apiGroups": [""], "resources": ["x"]}])
    wide = Binding("b", "", "ClusterRole", "r", (("Group", "", "g"),))
    narrow = Binding("b", "ns", "Role", "r", (("ServiceAccount", "ns", "a"),))
    policy = compile_policy({"r": rules}, {("ns", "r"): rules}, [wide, narrow], {})
    user = User("system:serviceaccount:ns:a")
    answer = ask_resource([policy], [user], "get", "", "x", "", "ns", "")
    assert answer.grant is not None
    assert answer.grant.reason() == 'RBAC: allowed by RoleBinding "b/ns" of Role "r" to ServiceAccount "a/ns"'
    answer = ask_resource([policy], [User("u", groups=("g",))], "get", "", "x", "", "ns", "")
    assert answer.grant is not None
    assert answer.grant.reason() == 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to Group "g"'


# Against the obvious evaluator: every rule of every binding of every role, one after the other.

words = st.sampled_from(["a", "b", "*"])
resources = st.sampled_from(["a", "b", "a/s", "*/s", "*", "b/t"])
rule_objects = st.fixed_dictionaries(
    {"verbs": st.lists(words, max_size=2), "apiGroups": st.lists(words, max_size=2)},
    optional={
        "resources": st.lists(resources, max_size=2),
        "resourceNames": st.lists(st.sampled_from(["n", "m"]), max_size=2),
        "nonResourceURLs": st.lists(st.sampled_from(["/", "/a", "/a*", "*"]), max_size=2),
    },
)
subjects = st.tuples(
    st.sampled_from(["User", "Group", "ServiceAccount"]), st.sampled_from(["", "x"]), st.sampled_from(["u", "g", "h"])
)
bindings = st.builds(
    Binding,
    st.just("b"),
    st.sampled_from(["", "x", "y"]),
    st.sampled_from(["ClusterRole", "Role"]),
    st.sampled_from(["r", "s"]),
    st.lists(subjects, max_size=2).map(tuple),
)
users = st.sampled_from(
    [User("u"), User("u", groups=("g",)), User("v", groups=("g", "h")), User("system:serviceaccount:x:u")]
)


def naive(
    cluster_roles: dict[str, list[dict[str, Any]]],
    roles: dict[tuple[str, str], list[dict[str, Any]]],
    held: list[Binding],
    user: User,
    question: tuple[str, str, str, str, str, str],
) -> bool:
    verb, group, resource, subresource, namespace, name = question
    for binding in held:
        if binding.namespace and binding.namespace != namespace:
            continue
        applies = False
        for kind, home, subject in binding.subjects:
            if kind == "User" and user.name == subject:
                applies = True
            if kind == "Group" and subject in user.groups:
                applies = True
            home = home or binding.namespace
            if kind == "ServiceAccount" and home and user.name == f"system:serviceaccount:{home}:{subject}":
                applies = True
        if not applies:
            continue
        if binding.role_kind == "ClusterRole":
            rules = cluster_roles.get(binding.role, [])
        else:
            rules = roles.get((binding.namespace, binding.role), []) if binding.namespace else []
        for rule in rules:
            if not ("*" in rule["verbs"] or verb in rule["verbs"]):
                continue
            if not ("*" in rule["apiGroups"] or group in rule["apiGroups"]):
                continue
            wanted = f"{resource}/{subresource}" if subresource else resource
            listed = rule.get("resources", [])
            if not ("*" in listed or wanted in listed or (subresource and f"*/{subresource}" in listed)):
                continue
            named = rule.get("resourceNames", [])
            if named and name not in named:
                continue
            return True
    return False


@settings(max_examples=examples(300))
@given(
    st.dictionaries(st.sampled_from(["r", "s"]), st.lists(rule_objects, max_size=3)),
    st.dictionaries(
        st.tuples(st.sampled_from(["x", "y"]), st.sampled_from(["r", "s"])), st.lists(rule_objects, max_size=3)
    ),
    st.lists(bindings, max_size=5),
    users,
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["", "s", "t"]),
        st.sampled_from(["", "x", "y"]),
        st.sampled_from(["", "n", "m"]),
    ),
)
def test_the_compiled_form_agrees_with_the_obvious_one(
    cluster_roles: Any, roles: Any, held: list[Binding], user: User, question: Any
) -> None:
    policy = compile_policy(
        {name: compile_rules(rules) for name, rules in cluster_roles.items()},
        {key: compile_rules(rules) for key, rules in roles.items()},
        held,
        {},
    )
    answer = ask_resource([policy], [user], *question)
    assert (answer.grant is not None) is naive(cluster_roles, roles, held, user, question)
    if not answer.named:  # then no other name may have another answer
        for name in ("", "n", "m", "other"):
            assert naive(cluster_roles, roles, held, user, (*question[:5], name)) is (answer.grant is not None)
