"""Schemas made of definitions: the command without a server, and what it makes as data (APIs reference, 1.3)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support.server import kubectl

from manifold.cli.apis.snapshot import definitions, schema_of, written
from manifold.cli.workspaces.failures import CommandError
from manifold.schema import yaml_documents

GIZMOS = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: gizmos.k.example.com
spec:
  group: k.example.com
  scope: Namespaced
  names: {plural: gizmos, singular: gizmo, kind: Gizmo, listKind: GizmoList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {a: {type: string}}}
"""
SCHEMA = """\
apiVersion: apis.kcp.io/v1alpha1
kind: APIResourceSchema
metadata:
  name: v260101.gizmos.k.example.com
spec:
  conversion:
    strategy: None
  group: k.example.com
  names:
    kind: Gizmo
    listKind: GizmoList
    plural: gizmos
    singular: gizmo
  scope: Namespaced
  versions:
  - name: v1
    schema:
      properties:
        spec:
          properties:
            a:
              type: string
          type: object
      type: object
    served: true
    storage: true
    subresources: {}

---
"""


def definition(**changes):
    made = yaml.safe_load(GIZMOS)
    made["spec"].update(changes)
    return made


def snapshot(*arguments, text=GIZMOS, directory: Path, check=True):
    """Without a kubeconfig: nothing is asked of a server."""
    return kubectl(
        "kcp", "crd", "snapshot", *arguments, kubeconfig=directory / "absent", input=text, check=check,
        directory=directory,
    )  # fmt: skip


def test_the_schema_of_a_definition(tmp_path):
    done = snapshot("-f", "-", "--prefix", "v260101", directory=tmp_path)
    assert (done.stdout, done.stderr) == (SCHEMA, "")


def test_files_of_several_documents_and_lists(tmp_path):
    (tmp_path / "several.yaml").write_text(f"# first\n---\n{GIZMOS}---\n\n--- # last\n{GIZMOS}")
    assert snapshot("-f", "several.yaml", "--prefix=v260101", directory=tmp_path).stdout == SCHEMA * 2
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": [definition(), definition()]})
    assert snapshot("-f", "-", "--prefix=v260101", text=listed, directory=tmp_path).stdout == SCHEMA * 2


def test_json(tmp_path):
    done = snapshot("--filename=-", "--prefix=v260101", "-o", "json", directory=tmp_path)
    document, _, rest = done.stdout.partition("\n---\n")
    assert (json.loads(document), rest) == (next(yaml.safe_load_all(SCHEMA)), "")


def test_the_same_by_the_manifold_command(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "manifold.cli.main", "crd", "snapshot", "-f", "-", "--prefix", "v260101"],
        input=GIZMOS, capture_output=True, text=True, check=True, env={"HOME": str(tmp_path)},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (SCHEMA, "")


@pytest.mark.parametrize(
    ("arguments", "text", "error"),
    [
        ((), GIZMOS, "--filename is required"),
        (("-f", "-"), GIZMOS, "--prefix is required"),
        (("-f", "-", "--prefix", "1st"), GIZMOS, "--prefix must match ^[a-z]([-a-z0-9]*[a-z0-9])?$, and "),
        (("-f", "-", "--prefix", "v1", "-o", "wide"), GIZMOS, '--output must be yaml or json, and "wide" is neither'),
        (("-f", "absent", "--prefix", "v1"), GIZMOS, "absent: no such file or directory"),
        (("-f", "-", "--prefix", "v1"), "", "there is no CustomResourceDefinition in what was read"),
        (("-f", "-", "--prefix", "v1"), "a: [", "document 1: yaml: line 1: did not find expected node content"),
        (("-f", "-", "--prefix", "v1"), "a: 1\na: 2", "document 1: yaml: unmarshal errors: line 2: key "),
        (("-f", "-", "--prefix", "v1"), "- a", "document 1 is no object"),
        (
            ("-f", "-", "--prefix", "v1"), "apiVersion: v1\nkind: Secret",
            "document 1 is Secret of v1, not CustomResourceDefinition of apiextensions.k8s.io/v1",
        ),
        (("-f", "-", "--prefix", "v1", "more"), GIZMOS, "accepts at most 0 arg(s), received 1"),
        (("-f", "-", "--prefix", "v1", "--all"), GIZMOS, "unknown flag: --all"),
    ],
)  # fmt: skip
def test_refusals(tmp_path, arguments, text, error):
    done = snapshot(*arguments, text=text, directory=tmp_path, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: {error}"), done.stderr
    assert done.stderr.count("\n") == 1


def test_defaults_of_a_definition():
    made = definition(names={"plural": "gizmos", "kind": "Gizmo"})
    assert schema_of(made, "v1")["spec"]["names"] == {
        "plural": "gizmos", "singular": "gizmo", "kind": "Gizmo", "listKind": "GizmoList",
    }  # fmt: skip


def test_what_a_version_keeps():
    version = {
        "name": "v1", "served": True, "storage": True, "deprecated": True, "deprecationWarning": "old",
        "schema": {"openAPIV3Schema": {"type": "object"}}, "subresources": {"status": {}},
        "additionalPrinterColumns": [{"name": "A", "type": "string", "jsonPath": ".spec.a"}],
        "selectableFields": [{"jsonPath": ".spec.a"}],
    }  # fmt: skip
    made = schema_of(definition(versions=[version]), "v1")["spec"]["versions"]
    assert made == [{**version, "schema": {"type": "object"}}]


def test_labels_annotations_and_status_are_left_behind():
    made = definition(preserveUnknownFields=False)
    made["metadata"]["annotations"] = {"a": "b"}
    schema = schema_of({**made, "status": {"storedVersions": ["v1"]}}, "v1")
    assert schema["metadata"] == {"name": "v1.gizmos.k.example.com"}
    assert set(schema) == {"apiVersion", "kind", "metadata", "spec"}
    assert set(schema["spec"]) == {"group", "names", "scope", "versions", "conversion"}


def test_the_approval_of_a_protected_group_goes_along():
    made = definition()
    made["metadata"]["annotations"] = {"api-approved.kubernetes.io": "unapproved", "a": "b"}
    assert schema_of(made, "v1")["metadata"]["annotations"] == {"api-approved.kubernetes.io": "unapproved"}


def test_conversion_by_a_webhook():
    webhook = {"clientConfig": {"url": "https://a", "caBundle": "Yg=="}, "conversionReviewVersions": ["v1"]}
    conversion = {"strategy": "Webhook", "webhook": webhook}
    assert schema_of(definition(conversion=conversion), "v1")["spec"]["conversion"] == conversion
    for config, error in (
        ({"service": {"name": "a"}}, "webhooks that refer to services are not supported, please use URL instead"),
        ({}, "the conversion webhook has no URL"),
    ):
        refused = definition(conversion={"strategy": "Webhook", "webhook": {"clientConfig": config}})
        with pytest.raises(CommandError, match=f"gizmos.k.example.com: {error}"):
            schema_of(refused, "v1")


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        ({"metadata": {}}, "a CustomResourceDefinition has no name"),
        ({"spec": None}, "spec is missing"),
        ({"spec": {}}, "names is missing"),
        ({"spec": {"names": {}}}, "spec.versions is missing"),
        ({"spec": {"names": {"kind": "A"}, "versions": [{}]}}, "spec.names.kind or spec.names.plural is missing"),
        ({"spec": {"names": {"kind": "A", "plural": "as"}, "versions": [{}]}}, "a version has no name"),
        (
            {"spec": {"names": {"kind": "A", "plural": "as"}, "versions": [{"name": "v1"}]}},
            "version v1 has no schema",
        ),
    ],
)
def test_definitions_that_are_none(broken, error):
    with pytest.raises(CommandError, match=error):
        schema_of({**definition(), **broken}, "v1")


def test_what_is_read_is_what_kubernetes_reads():
    """`=` is a text, `yes` is true; what is written is read as the same again."""
    text = GIZMOS.replace("{a: {type: string}}", "{a: {type: string, enum: [=, 'yes'], nullable: yes}}")
    made = schema_of(next(definitions(text)), "v1")
    field = made["spec"]["versions"][0]["schema"]["properties"]["spec"]["properties"]["a"]
    assert field == {"type": "string", "enum": ["=", "yes"], "nullable": True}
    assert json.loads(written(made, "json")) == made
    assert yaml_documents.parse(written(made).encode()) == (made, "")
