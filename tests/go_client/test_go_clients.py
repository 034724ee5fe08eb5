"""What users of client-go get when they use its clients with their defaults."""

import pytest
from support.conversation import Conversation


def by(lines: list[dict], key: str) -> dict:
    return {line[key]: line for line in lines}


def test_the_typed_clients_of_every_built_in_type(run_scenario):
    *kinds, token, media = run_scenario("typed")
    assert [line["kind"] for line in kinds] == [
        "ConfigMap",
        "Secret",
        "ServiceAccount",
        "ResourceQuota",
        "Event",
        "Lease",
        "Role",
        "RoleBinding",
        "ClusterRole",
        "ClusterRoleBinding",
    ]
    for line in kinds:
        assert line["labels"] == {"step": "updated"}
        assert line["step"] == "patched"
        assert (line["moved"], line["latest"]) == (True, True)
        # One more is the server's, which counts what a quota limits.
        counted = ["MODIFIED"] * (line["kind"] == "ResourceQuota" and len(line["events"]) > 4)
        assert line["events"] == ["ADDED", "MODIFIED", "MODIFIED", *counted, "DELETED"], line["kind"]
    assert (token["user"], token["allowed"]) == ("system:serviceaccount:default:default", True)
    # A patch is JSON whatever the client prefers. Nothing of what is received is.
    assert [entry for entry in media["media"] if not entry.endswith("patch+json")] == [
        "received application/vnd.kubernetes.protobuf",
        "received application/vnd.kubernetes.protobuf;stream=watch",
        "sent application/vnd.kubernetes.protobuf",
    ]


def test_the_dynamic_client(run_scenario):
    lines = by(run_scenario("dynamic"), "step")
    assert lines["workspace"]["phase"] == "Ready"
    names = lines["generated"]["names"]
    assert len(set(names)) == 2
    assert all(name.startswith("dynamic-") and len(name) == len("dynamic-") + 5 for name in names)
    assert lines["patched"]["data"] == {"a": "2"}
    assert (lines["applied"]["manager"], lines["applied"]["operation"]) == ("dynamic", "Apply")
    assert lines["left"]["names"] == ["kube-root-ca.crt"]


def test_the_metadata_client(run_scenario):
    read, *events = run_scenario("metadata")
    assert (read["labels"], read["listed"]) == ({"of": "metadata"}, 1)
    assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    assert [event["labels"].get("more") for event in events] == [None, "1", "1"]


def test_leader_election(run_scenario):
    first, second = run_scenario("leader")
    assert {first["leader"], second["leader"]} == {"one", "two"}
    assert (first["holder"], second["holder"]) == (first["leader"], second["leader"])
    assert (first["transitions"], second["transitions"]) == (0, 1)


def test_no_update_is_lost_when_conflicts_are_retried(run_scenario):
    assert run_scenario("conflicts") == [{"count": "80"}]


def test_typed_apply_configurations(run_scenario):
    lines = by(run_scenario("apply"), "step")
    assert lines["again"]["same"], "an apply without a change wrote"
    assert lines["conflict"]["conflict"]
    assert lines["conflict"]["text"] == 'Apply failed with 1 conflict: conflict with "first": .data.b'
    assert lines["forced"]["data"] == {"a": "1", "b": "2", "c": "2"}
    assert (lines["extracted"]["data"], lines["extracted"]["labels"]) == ({"a": "1"}, {"by": "first"})
    assert lines["extended"]["data"] == {"a": "1", "b": "2", "c": "2", "d": "3"}
    assert (lines["removed"]["data"], lines["removed"]["labels"]) == ({"b": "2", "c": "2"}, None)


@pytest.fixture(scope="module")
def refusals(go_client, server, tmp_path_factory):
    directory = tmp_path_factory.mktemp("refusals")
    workspace = server.create_workspace(directory=directory)
    yield by(Conversation(go_client, workspace.kubeconfig, "errors", directory / "errors").finish(), "what")
    workspace.delete()


@pytest.mark.parametrize(
    ("what", "reason", "text", "causes"),
    [
        ("missing", "NotFound", 'configmaps "missing" not found', []),
        ("there already", "AlreadyExists", 'configmaps "errors" already exists', []),
        ("invalid", "Invalid", 'ConfigMap "Bad_Name" is invalid: metadata.name: Invalid value: ', ["metadata.name"]),
        ("no namespace", "NotFound", 'namespaces "nowhere" not found', []),
        ("stale", "Conflict", 'Operation cannot be fulfilled on configmaps "errors": the object has been modified', []),
        ("precondition", "Conflict", 'Operation cannot be fulfilled on ConfigMap "errors": the UID in', []),
        ("no such type", "NotFound", "the server could not find the requested resource", []),
        ("anonymous", "Forbidden", "configmaps is forbidden: User \"system:anonymous\" cannot list resource", []),
        ("wrong token", "Unauthorized", "Unauthorized", []),
    ],
)  # fmt: skip
def test_refusals_as_the_library_tells_them(refusals, what, reason, text, causes):
    found = refusals[what]
    assert (found["reason"], found["causes"]) == (reason, causes)
    assert found["text"].startswith(text)


def test_an_update_of_a_role_that_is_not_there_creates_it(refusals):
    assert refusals["update of nothing"]["reason"] == ""


def test_discovery(run_scenario):
    types, namespaced, version, *mappings = run_scenario("discovery")
    assert types["media"] == 1, "aggregated discovery was not used"
    assert {"", "rbac.authorization.k8s.io", "tenancy.kcp.io", "apis.kcp.io", "core.kcp.io"} <= set(types["groups"])
    assert {"configmaps", "namespaces", "namespaces/status", "namespaces/finalize", "serviceaccounts/token"} <= set(
        types["resources"]["v1"]
    )
    assert {"workspaces", "workspaces/status", "workspacetypes"} <= set(types["resources"]["tenancy.kcp.io/v1alpha1"])
    assert namespaced["lists"] >= 4
    assert (version["major"], version["minor"]) == ("1", "36")
    assert [(one["kind"], one["resource"], one["scope"]) for one in mappings] == [
        ("ConfigMap", "configmaps", "namespace"),
        ("Workspace", "workspaces", "root"),
        ("CustomResourceDefinition", "customresourcedefinitions", "root"),
    ]


def test_openapi(run_scenario):
    lines = by(run_scenario("openapi"), "version")
    assert {"v1", "tenancy.kcp.io/v1alpha1", "core.kcp.io/v1alpha1", "apis.kcp.io/v1alpha2", "v2"} <= set(lines)
    assert all(line["paths"] > 0 and line["kinds"] > 0 for line in lines.values())


def test_lists_in_chunks_are_one_list(run_scenario):
    by_hand, pager = run_scenario("chunks")
    assert by_hand["pages"] == [40] * 6 + [11]
    assert by_hand["remaining"] == [211, 171, 131, 91, 51, 11, None]
    assert (by_hand["revisions"], by_hand["names"]) == (1, 251)
    assert by_hand["deleted"], "the list has what was there at its revision"
    assert pager["count"] == 249
