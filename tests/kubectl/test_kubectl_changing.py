"""label, annotate, edit and the three kinds of patch."""

import json

import pytest


@pytest.fixture
def one(workspace):
    """A ConfigMap `one` with data a=1 and finalizer-free metadata."""
    workspace.kubectl("create", "configmap", "one", "--from-literal=a=1")
    return workspace


def found(workspace) -> dict:
    return json.loads(workspace.kubectl("get", "configmap", "one", "-o", "json").stdout)


@pytest.mark.parametrize("command", ["label", "annotate"])
def test_labels_and_annotations(one, command):
    field, done = {"label": ("labels", "labeled"), "annotate": ("annotations", "annotated")}[command]
    assert one.kubectl(command, "configmap", "one", "x=1", "y=2").stdout == f"configmap/one {done}\n"
    refused = one.kubectl(command, "configmap", "one", "x=2", check=False)
    assert refused.returncode == 1
    assert "'x' already has a value (1)" in refused.stderr
    assert "--overwrite is false" in refused.stderr
    one.kubectl(command, "configmap", "one", "x=2", "y-", "--overwrite")
    metadata = found(one)["metadata"]
    assert metadata[field]["x"] == "2"
    assert "y" not in metadata[field]
    stale = one.kubectl(command, "configmap", "one", "z=1", "--resource-version=1", check=False)
    assert "the object has been modified" in stale.stderr
    if command == "label":
        bad = one.kubectl("label", "configmap", "one", "x=not a label", "--overwrite", check=False)
        assert bad.returncode == 1
        assert 'metadata.labels: Invalid value: "not a label"' in bad.stderr or "invalid label value" in bad.stderr


@pytest.mark.parametrize(
    ("kind", "patch", "data"),
    [
        ("strategic", {"data": {"b": "2"}}, {"a": "1", "b": "2"}),
        ("strategic", {"data": {"a": None, "b": "2"}}, {"b": "2"}),
        ("strategic", {"data": {"$patch": "replace", "b": "2"}}, {"b": "2"}),
        ("merge", {"data": {"a": None, "b": "2"}}, {"b": "2"}),
        ("json", [{"op": "add", "path": "/data/b", "value": "2"}], {"a": "1", "b": "2"}),
        ("json", [{"op": "move", "from": "/data/a", "path": "/data/b"}], {"b": "1"}),
    ],
)  # fmt: skip
def test_patches(one, kind, patch, data):
    done = one.kubectl("patch", "configmap", "one", f"--type={kind}", "-p", json.dumps(patch))
    assert done.stdout == "configmap/one patched\n"
    assert found(one)["data"] == data
    version = found(one)["metadata"]["resourceVersion"]
    if kind == "merge":
        again = one.kubectl("patch", "configmap", "one", "--type=merge", "-p", json.dumps(patch))
        assert again.stdout == "configmap/one patched (no change)\n"
        assert found(one)["metadata"]["resourceVersion"] == version


@pytest.mark.parametrize(
    ("kind", "patch", "error"),
    [
        ("json", [{"op": "test", "path": "/data/a", "value": "2"}], "The request is invalid: the server rejected"),
        ("json", [{"op": "remove", "path": "/data/none"}], "The request is invalid: the server rejected"),
        ("merge", {"data": {"a": 1}}, "json: cannot unmarshal number into Go"),
        ("merge", {"metadata": {"name": "other"}}, "the name of the object (other) does not match the name on the URL"),
        ("merge", {"metadata": {"uid": "other"}}, 'metadata.uid: Invalid value: "other": field is immutable'),
        ("merge", {"data": {"not a key": "1"}}, "data[not a key]: Invalid value"),
        ("merge", {"immutable": True, "data": {"a": "1"}}, ""),
    ],
)  # fmt: skip
def test_patches_that_are_refused(one, kind, patch, error):
    done = one.kubectl("patch", "configmap", "one", f"--type={kind}", "-p", json.dumps(patch), check=False)
    assert done.returncode == (1 if error else 0)
    assert error in done.stderr
    if error:
        assert found(one)["data"] == {"a": "1"}


def test_an_immutable_config_map(one):
    one.kubectl("patch", "configmap", "one", "-p", '{"immutable": true}')
    refused = one.kubectl("patch", "configmap", "one", "-p", '{"data": {"a": "2"}}', check=False)
    assert refused.stderr == (
        'The ConfigMap "one" is invalid: data: Forbidden: field is immutable when `immutable` is set\n'
    )


def edited(workspace, script: str, **options):
    editor = workspace.directory / "editor"
    editor.write_text(f"#!/bin/sh\n{script}\n")
    editor.chmod(0o755)
    return workspace.kubectl("edit", "configmap", "one", environment={"KUBE_EDITOR": str(editor)}, **options)


def test_edit(one):
    assert edited(one, "true").stderr == "Edit cancelled, no changes made.\n"
    assert edited(one, "sed -i 's/^  a: .*/  a: \"5\"/' $1").stdout == "configmap/one edited\n"
    assert found(one)["data"] == {"a": "5"}
    refused = edited(one, "sed -i 's/^  a: .*/  bad key: x/' $1", check=False)
    assert refused.returncode == 1
    assert 'configmaps "one" is invalid' in refused.stderr
    assert found(one)["data"] == {"a": "5"}
