"""kubectl apply, client-side and server-side, diff and dry runs."""

import json

import pytest
import yaml

MANIFEST = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: first
  labels: {set: demo}
data:
  a: "1"
  b: "1"
---
# a comment between documents
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: second, labels: {set: demo}}
rules:
- {apiGroups: [""], resources: [configmaps], verbs: [get, list]}
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ServiceAccount
  metadata: {name: third, labels: {set: demo}}
"""
NAMES = ["configmap/first", "role.rbac.authorization.k8s.io/second", "serviceaccount/third"]


def config_map(name: str, **data: str) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})


def data(workspace, name: str) -> dict:
    return json.loads(workspace.kubectl("get", "configmap", name, "-o", "jsonpath={.data}").stdout or "{}")


def test_apply_is_idempotent(workspace):
    def apply(text: str) -> list[str]:
        return workspace.kubectl("apply", "-f", "-", input=text).stdout.splitlines()

    assert apply(MANIFEST) == [f"{name} created" for name in NAMES]
    versions = "{range .items[*]}{.metadata.resourceVersion} {end}"
    everything = ("get", "configmaps,roles,serviceaccounts", "-l", "set=demo", "-o", f"jsonpath={versions}")
    before = workspace.kubectl(*everything).stdout
    assert apply(MANIFEST) == [f"{name} unchanged" for name in NAMES]
    assert workspace.kubectl(*everything).stdout == before
    changed = MANIFEST.replace('b: "1"', 'c: "1"')
    assert apply(changed) == [f"{NAMES[0]} configured", *(f"{name} unchanged" for name in NAMES[1:])]
    assert data(workspace, "first") == {"a": "1", "c": "1"}


def test_a_three_way_merge_keeps_what_others_wrote(workspace):
    workspace.kubectl("apply", "-f", "-", input=config_map("mine", a="1", b="1"))
    workspace.kubectl("patch", "configmap", "mine", "-p", '{"data":{"theirs":"x"}}')
    workspace.kubectl("apply", "-f", "-", input=config_map("mine", a="2"))
    assert data(workspace, "mine") == {"a": "2", "theirs": "x"}
    viewed = workspace.kubectl("apply", "view-last-applied", "configmap/mine").stdout
    assert yaml.safe_load(viewed)["data"] == {"a": "2"}


def test_diff(workspace):
    workspace.kubectl("apply", "-f", "-", input=config_map("compared", a="1"))
    assert workspace.kubectl("diff", "-f", "-", input=config_map("compared", a="1")).stdout == ""
    differing = workspace.kubectl("diff", "-f", "-", input=config_map("compared", a="2"), check=False)
    assert differing.returncode == 1
    assert '-  a: "1"\n+  a: "2"\n' in differing.stdout
    new = workspace.kubectl("diff", "-f", "-", input=config_map("new", a="2"), check=False)
    assert new.returncode == 1
    assert '+  a: "2"\n' in new.stdout
    serverside = workspace.kubectl("diff", "--server-side", "-f", "-", input=config_map("new", a="2"), check=False)
    assert (serverside.returncode, serverside.stderr) == (1, "")
    assert data(workspace, "compared") == {"a": "1"}


def test_server_side_apply(workspace):
    def apply(text: str, manager: str, *flags: str, check=True):
        return workspace.kubectl(
            "apply", "--server-side", "--field-manager", manager, *flags, "-f", "-", input=text, check=check
        )

    assert apply(config_map("owned", a="1", b="1"), "one").stdout == "configmap/owned serverside-applied\n"
    assert apply(config_map("owned", a="1", c="2"), "two").stdout == "configmap/owned serverside-applied\n"
    conflict = apply(config_map("owned", b="2", a="3"), "two", check=False)
    assert conflict.returncode == 1
    assert conflict.stderr.startswith(
        'error: Apply failed with 2 conflicts: conflicts with "one":\n- .data.a\n- .data.b\n'
    )
    assert data(workspace, "owned") == {"a": "1", "b": "1", "c": "2"}
    apply(config_map("owned", b="2", a="3"), "two", "--force-conflicts")
    assert data(workspace, "owned") == {"a": "3", "b": "2"}
    apply(config_map("owned"), "two")  # what nobody wants any more is gone
    assert data(workspace, "owned") == {}
    shown = json.loads(workspace.kubectl("get", "configmap", "owned", "-o", "json", "--show-managed-fields").stdout)
    assert {(one["manager"], one["operation"]) for one in shown["metadata"]["managedFields"]} <= {
        ("one", "Apply"),
        ("two", "Apply"),
    }


def test_kubectl_moves_from_client_side_to_server_side(workspace):
    workspace.kubectl("apply", "-f", "-", input=config_map("moved", a="1"))
    moved = workspace.kubectl("apply", "--server-side", "-f", "-", input=config_map("moved", a="2"))
    assert moved.stdout == "configmap/moved serverside-applied\n"
    assert data(workspace, "moved") == {"a": "2"}
    workspace.kubectl("apply", "--server-side", "-f", "-", input=config_map("moved", b="1"))
    assert data(workspace, "moved") == {"b": "1"}


@pytest.mark.parametrize(
    ("flags", "mark"),
    [(["--dry-run=client"], "(dry run)"), (["--dry-run=server"], "(server dry run)")],
)
def test_dry_runs_leave_nothing(workspace, flags, mark):
    tried = workspace.kubectl("apply", *flags, "-f", "-", input=MANIFEST).stdout.splitlines()
    assert tried == [f"{name} created {mark}" for name in NAMES]
    workspace.kubectl("create", *flags, "-f", "-", input=MANIFEST)
    assert workspace.kubectl("get", "configmaps,roles,serviceaccounts", "-l", "set=demo", "-o", "name").stdout == ""
    workspace.kubectl("apply", "-f", "-", input=MANIFEST)
    workspace.kubectl("delete", *flags, "configmap", "first")
    workspace.kubectl("label", *flags, "configmap", "first", "more=1")
    found = json.loads(workspace.kubectl("get", "configmap", "first", "-o", "json").stdout)
    assert found["metadata"]["labels"] == {"set": "demo"}


def test_a_server_dry_run_shows_what_would_be_stored(workspace):
    text = config_map("shown", a="1")
    shown = json.loads(workspace.kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", input=text).stdout)
    assert shown["metadata"]["uid"]
    assert shown["metadata"]["namespace"] == "default"
    refused = workspace.kubectl("create", "--dry-run=server", "-f", "-", input=config_map("Bad"), check=False)
    assert 'The ConfigMap "Bad" is invalid: metadata.name: Invalid value: "Bad"' in refused.stderr


def test_pruning(workspace):
    workspace.kubectl("apply", "-f", "-", input=MANIFEST)
    kept = MANIFEST.split("---\n")[0]
    pruned = workspace.kubectl(
        "apply", "--prune", "-l", "set=demo", "--prune-allowlist=core/v1/ConfigMap",
        "--prune-allowlist=rbac.authorization.k8s.io/v1/Role", "-f", "-", input=kept,
    )  # fmt: skip
    assert pruned.stdout.splitlines() == ["configmap/first unchanged", f"{NAMES[1]} pruned"]


def test_replace(workspace):
    workspace.kubectl("create", "-f", "-", input=config_map("replaced", a="1"))
    assert workspace.kubectl("replace", "-f", "-", input=config_map("replaced", b="1")).stdout == (
        "configmap/replaced replaced\n"
    )
    assert data(workspace, "replaced") == {"b": "1"}
    old = json.loads(workspace.kubectl("get", "configmap", "replaced", "-o", "json").stdout)
    workspace.kubectl("annotate", "configmap", "replaced", "meanwhile=1")
    stale = workspace.kubectl("replace", "-f", "-", input=json.dumps(old), check=False)
    assert stale.returncode == 1
    assert (
        'Operation cannot be fulfilled on configmaps "replaced": the object has been modified; please apply your '
        "changes to the latest version and try again"
    ) in stale.stderr
    uid = old["metadata"]["uid"]
    forced = workspace.kubectl("replace", "--force", "-f", "-", input=config_map("replaced", c="1")).stdout
    assert 'configmap "replaced" deleted' in forced
    assert forced.endswith("configmap/replaced replaced\n")
    assert workspace.kubectl("get", "configmap", "replaced", "-o", "jsonpath={.metadata.uid}").stdout != uid
    missing = workspace.kubectl("replace", "-f", "-", input=config_map("nothing"), check=False)
    assert missing.stderr == (
        'Error from server (NotFound): error when replacing "STDIN": configmaps "nothing" not found\n'
    )
