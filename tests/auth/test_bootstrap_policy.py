"""The policy a server starts with: complete, consistent, and the same as objects and compiled."""

from __future__ import annotations

from auth_world import World, someone

from manifold.auth.rbac.bootstrap import bootstrap_objects, bootstrap_policy, root_policy_objects
from manifold.base.keys import ObjectKey

RESOURCES = {"ClusterRole": "clusterroles", "ClusterRoleBinding": "clusterrolebindings"}


def test_every_binding_names_a_role_that_exists() -> None:
    roles = {obj["metadata"]["name"] for obj in bootstrap_objects() if obj["kind"] == "ClusterRole"}
    local = {obj["metadata"]["name"] for obj in root_policy_objects() if obj["kind"] == "ClusterRole"}
    for obj in bootstrap_objects():
        if obj["kind"] == "ClusterRoleBinding":
            assert obj["roleRef"]["name"] in roles
    for obj in root_policy_objects():
        if obj["kind"] == "ClusterRoleBinding":
            assert obj["roleRef"]["name"] in roles | local


def test_names_are_unique_and_objects_are_the_callers_own() -> None:
    names = [(obj["kind"], obj["metadata"]["name"]) for obj in bootstrap_objects()]
    assert len(names) == len(set(names))
    bootstrap_objects()[0]["metadata"]["name"] = "changed"
    assert bootstrap_objects()[0]["metadata"]["name"] != "changed"


def test_aggregated_roles_hold_what_their_parts_hold() -> None:
    roles = {obj["metadata"]["name"]: obj for obj in bootstrap_objects() if obj["kind"] == "ClusterRole"}
    view, edit, admin = (roles[name]["rules"] for name in ("view", "edit", "admin"))
    assert view
    assert all(rule in edit for rule in view)
    assert all(rule in admin for rule in edit)
    assert len(view) < len(edit) < len(admin)
    selector = roles["view"]["aggregationRule"]["clusterRoleSelectors"][0]["matchLabels"]
    assert selector == {"rbac.authorization.k8s.io/aggregate-to-view": "true"}


def test_who_may_create_homes_is_configured() -> None:
    objects = {obj["metadata"]["name"]: obj for obj in root_policy_objects(("staff", "guests"))}
    subjects = objects["system:kcp:configured-group:home-clusterworkspace-create"]["subjects"]
    assert [(subject["kind"], subject["name"]) for subject in subjects] == [("Group", "staff"), ("Group", "guests")]


async def test_written_out_it_is_the_built_in_policy(world: World) -> None:
    for obj in bootstrap_objects():
        key = ObjectKey(
            "rbac.authorization.k8s.io", RESOURCES[obj["kind"]], "", "system:admin", "", obj["metadata"]["name"]
        )
        await world.put(key, obj)
    written = (await world.chain.rbac.shared()).value
    built_in = bootstrap_policy()
    assert written is not built_in
    assert written.users.keys() == built_in.users.keys()
    assert written.groups.keys() == built_in.groups.keys()
    assert written.cluster_roles.keys() == built_in.cluster_roles.keys()
    for name, rules in written.cluster_roles.items():
        assert [rule.rule for rule in rules] == [rule.rule for rule in built_in.cluster_roles[name]]


async def test_what_everybody_may_do_in_root(world: World) -> None:
    await world.cluster("root")
    for obj in root_policy_objects():
        key = ObjectKey("rbac.authorization.k8s.io", RESOURCES[obj["kind"]], "", "root", "", obj["metadata"]["name"])
        await world.put(key, obj)
    world.policies.table["root", "tenancy.kcp.io", "workspaces"] = "root"
    user, admin = someone("user"), someone("kcp-admin", "system:kcp:admin")
    expected = {
        ("list", "tenancy.kcp.io:workspaces"): True,
        ("create", "tenancy.kcp.io:workspaces"): False,
        ("create", "tenancy.kcp.io:workspaces -/~"): True,
        ("delete", "tenancy.kcp.io:workspaces -/wa"): False,
        ("list", "core.kcp.io:logicalclusters"): True,
        ("list", "core.kcp.io:shards"): False,
        ("list", "apis.kcp.io:apiexports"): False,
        ("bind", "apis.kcp.io:apiexports -/tenancy.kcp.io"): True,
        ("bind", "apis.kcp.io:apiexports -/cache.kcp.io"): False,
        ("use", "tenancy.kcp.io:workspacetypes -/universal"): True,
        ("use", "tenancy.kcp.io:workspacetypes -/home"): False,
        ("list", "namespaces"): False,
        ("get", "/apis"): True,
    }
    for (verb, what), allowed in expected.items():
        assert await world.may(user, verb, what, "root") is allowed, (verb, what)
    assert await world.may(admin, "create", "tenancy.kcp.io:workspaces", "root")
    assert await world.may(admin, "update", "tenancy.kcp.io:workspaces/status -/wa", "root")
