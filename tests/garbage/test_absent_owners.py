"""References that lead nowhere, and those of which nothing can be said."""

import json
import time

import pytest
from owned_objects import MAPS, NEVER, create, delete, eventually, get, gone, owners, reference

NAMESPACES = "/api/v1/namespaces"
ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
ROLE = {"path": ROLES, "kind": "ClusterRole", "version": "rbac.authorization.k8s.io/v1"}


def named(kind, name="never", uid=NEVER, version="v1", **more):
    return {"apiVersion": version, "kind": kind, "name": name, "uid": uid, **more}


@pytest.mark.parametrize(
    "owner",
    [
        named("ConfigMap"),
        named("Secret"),
        named("Namespace"),
        named("ClusterRole", version="rbac.authorization.k8s.io/v1"),
        named("Lease", version="coordination.k8s.io/v1"),
        named("Lease", version="coordination.k8s.io/v1alpha9"),
        named("ConfigMap", name="kube-root-ca.crt"),
        named("ConfigMap", name="a\x00b"),
        named("ConfigMap", name="x" * 3000),
        named("ConfigMap", uid="not a uid"),
        named("ConfigMap", uid="a\x00b"),
        named("ConfigMap", uid="x" * 3000),
    ],
    ids=lambda owner: f"{owner['kind']}-{owner['name'][:8]}-{owner['uid'][:8]}".replace("\x00", "0"),
)
def test_a_dependent_of_nothing_goes(workspace, owner):
    create(workspace, "lost", owner)
    gone(workspace, "lost")


@pytest.mark.parametrize("owner", [named("Widget", version="example.dev/v1"), named("ConfigMap", version="nowhere/v1")])
def test_a_kind_that_is_not_served_keeps_a_dependent(workspace, owner):
    create(workspace, "kept", owner)
    create(workspace, "lost", named("ConfigMap"))
    gone(workspace, "lost")
    assert get(workspace, "kept")


def test_a_namespaced_owner_keeps_an_object_outside_of_namespaces(workspace):
    owner = create(workspace, "owner")
    create(workspace, "kept", owner, **ROLE)
    create(workspace, "lost", named("ClusterRole", version="rbac.authorization.k8s.io/v1"), **ROLE)
    delete(workspace, "owner")
    gone(workspace, "lost", path=ROLES)
    time.sleep(0.2)
    assert get(workspace, "kept", ROLES)


def test_an_owner_in_another_namespace_is_absent_and_its_own_dependents_are_safe(workspace):
    create(workspace, "other", path=NAMESPACES, kind="Namespace")
    there = MAPS.replace("default", "other")
    owner = create(workspace, "owner", path=there)
    create(workspace, "right", reference(owner, block=True), path=there)
    create(workspace, "wrong", reference(owner, block=True), finalizers=["example.dev/hold"])
    eventually(lambda: "deletionTimestamp" in get(workspace, "wrong")["metadata"])
    assert get(workspace, "right", there)
    delete(workspace, "owner", "Foreground", there)  # does not wait for what is none of its own
    gone(workspace, "owner", "right", path=there)
    assert get(workspace, "wrong")


def test_a_wrong_name_or_kind_is_absent_and_right_ones_are_safe(workspace):
    owner = create(workspace, "owner")
    create(workspace, "right", owner)
    create(workspace, "misnamed", reference(owner, name="other"))
    create(workspace, "miskinded", reference(owner, kind="Secret"))
    gone(workspace, "misnamed", "miskinded")
    assert owners(get(workspace, "right")) == ["owner"]


def test_an_owner_that_is_made_again_is_another(workspace):
    owner = create(workspace, "owner")
    delete(workspace, "owner")
    create(workspace, "owner")
    create(workspace, "dependent", owner)
    gone(workspace, "dependent")


def test_a_reference_added_later(workspace):
    owner = create(workspace, "owner")
    create(workspace, "dependent")
    create(workspace, "lost")
    for name, one in (("dependent", reference(owner)), ("lost", named("ConfigMap"))):
        patch = json.dumps({"metadata": {"ownerReferences": [one]}})
        workspace.kubectl("patch", "configmap", name, "--type=merge", "-p", patch)
    gone(workspace, "lost")
    assert get(workspace, "dependent")
    delete(workspace, "owner")
    gone(workspace, "dependent")


def test_one_dangling_reference_among_others_is_dropped(workspace):
    owner = create(workspace, "owner")
    create(workspace, "dependent", owner, named("ConfigMap"))
    eventually(lambda: owners(get(workspace, "dependent")) == ["owner"])


def test_a_reference_taken_off_is_none(workspace):
    owner = create(workspace, "owner")
    create(workspace, "dependent", owner)
    workspace.kubectl("patch", "configmap", "dependent", "--type=merge", "-p", '{"metadata":{"ownerReferences":null}}')
    delete(workspace, "owner")
    time.sleep(0.3)
    assert get(workspace, "dependent")


def test_more_owners_than_are_considered(workspace):
    made = [create(workspace, f"owner-{number}") for number in range(45)]
    create(workspace, "dependent", *made)
    for number in range(44):
        delete(workspace, f"owner-{number}")
    eventually(lambda: owners(get(workspace, "dependent")) == ["owner-44"])
    many = [named("ConfigMap", uid=f"{number}") for number in range(100)]
    patch = json.dumps({"metadata": {"ownerReferences": many}})
    workspace.kubectl("patch", "configmap", "dependent", "--type=merge", "-p", patch)
    gone(workspace, "dependent")


def test_large_objects_have_owners_too(workspace):
    owner = create(workspace, "owner", annotations={"large": "x" * 250_000})
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "large", "ownerReferences": [reference(owner, block=True)]},
        "data": {"large": "x" * 1_040_000},
    }
    status, made = workspace.request("POST", MAPS, body)
    assert status == 201, made
    create(workspace, "below", reference(made, block=True))
    delete(workspace, "owner", "Foreground")
    gone(workspace, "owner", "large", "below")


def test_what_may_not_be_deleted_stays_and_stops_nobody(workspace):
    owner = named("ClusterRole", version="rbac.authorization.k8s.io/v1")
    patch = json.dumps({"metadata": {"ownerReferences": [owner]}})
    workspace.kubectl("patch", "namespace", "default", "--type=merge", "-p", patch)
    create(workspace, "lost", owner)
    gone(workspace, "lost")
    assert get(workspace, "default", NAMESPACES)


def test_owners_of_many_kinds(workspace):
    role = create(workspace, "role", **ROLE)
    create(workspace, "by-role", role)
    create(workspace, "space", path=NAMESPACES, kind="Namespace")
    space = get(workspace, "space", NAMESPACES)
    create(workspace, "by-space", space)
    create(workspace, "role-by-space", space, **ROLE)
    leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
    lease = create(workspace, "lease", path=leases, kind="Lease", version="coordination.k8s.io/v1")
    create(workspace, "by-lease", lease)
    for name, path in (("role", ROLES), ("space", NAMESPACES), ("lease", leases)):
        delete(workspace, name, path=path)
        gone(workspace, f"by-{name}")
    gone(workspace, "role-by-space", path=ROLES)
