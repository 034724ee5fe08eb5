"""CustomResourceDefinitions: what is filled in, and what is wrong with a bad one, in the words clients compare."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from extension_definitions import create, definition, version

from manifold.base.errors import StatusError
from manifold.types.apiextensions.definitions import CUSTOM_RESOURCE_DEFINITIONS as KIND

LABEL_1035 = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)


def test_what_a_new_definition_gets() -> None:
    obj = definition()
    assert create(obj) == []
    assert obj["spec"]["names"] == {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"}
    assert obj["spec"]["conversion"] == {"strategy": "None"}
    assert obj["status"] == {
        "conditions": None,
        "acceptedNames": {"plural": "", "kind": ""},
        "storedVersions": ["v1"],
    }


def test_discovery() -> None:
    assert KIND.short_names == ("crd", "crds")
    assert KIND.categories == ("api-extensions",)
    assert [column.name for column in KIND.columns] == ["Name", "Created At"]
    assert KIND.status
    assert KIND.generation


EMPTY = '"Deprecated":false,"DeprecationWarning":null,"Schema":null,"Subresources":null,'
EMPTY += '"AdditionalPrinterColumns":null,"SelectableFields":null}'
NONE_STORED = f'[{{"Name":"v1","Served":true,"Storage":false,{EMPTY}]'


@pytest.mark.parametrize(
    ("obj", "errors"),
    [
        (
            definition("other.t.example.com"),
            ['metadata.name: Invalid value: "other.t.example.com": must be spec.names.plural+"."+spec.group'],
        ),
        (
            definition("things.nodots", group="nodots"),
            ['spec.group: Invalid value: "nodots": should be a domain with at least one dot'],
        ),
        (definition(scope=""), ["spec.scope: Required value"]),
        (
            definition(scope="Galaxy"),
            ['spec.scope: Unsupported value: "Galaxy": supported values: "Cluster", "Namespaced"'],
        ),
        (
            definition(versions=[]),
            [
                "spec.versions: Invalid value: []: must have exactly one version marked as storage version",
                "status.storedVersions: Invalid value: null: must have at least one stored version",
            ],
        ),
        (
            definition(versions=[version(storage=False)]),
            [
                f"spec.versions: Invalid value: {NONE_STORED}: must have exactly one version marked as storage version",
                "status.storedVersions: Invalid value: null: must have at least one stored version",
            ],
        ),
        (
            definition(versions=[{"name": "v1", "served": True, "storage": True}]),
            ["spec.versions[0].schema.openAPIV3Schema: Required value"],
        ),
        (
            definition(versions=[version(name="V_1")]),
            [
                f'spec.versions[0].name: Invalid value: "V_1": {LABEL_1035}',
                f'spec.version: Invalid value: "V_1": {LABEL_1035}',
            ],
        ),
        (
            definition(
                names={"plural": "things", "singular": "Bad", "kind": "K", "listKind": "K", "shortNames": ["U"]}
            ),
            [
                f'spec.names.singular: Invalid value: "Bad": {LABEL_1035}',
                f'spec.names.shortNames[0]: Invalid value: "U": {LABEL_1035}',
                'spec.names.listKind: Invalid value: "K": kind and listKind may not be the same',
            ],
        ),
        (
            definition("things.foo.k8s.io", group="foo.k8s.io"),
            [
                "metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval "
                'annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111'
            ],
        ),
        (
            definition(preserveUnknownFields=True),
            [
                "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set "
                "x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
            ],
        ),
        (
            definition(conversion={"strategy": "Webhook"}),
            [
                "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook",
                "spec.conversion.conversionReviewVersions: Required value",
            ],
        ),
        (
            definition(conversion={"strategy": "Magic"}),
            ['spec.conversion.strategy: Unsupported value: "Magic": supported values: "None", "Webhook"'],
        ),
        (
            definition(
                conversion={
                    "strategy": "Webhook",
                    "webhook": {"clientConfig": {"url": "http://h/x?y"}, "conversionReviewVersions": ["v2", "v2"]},
                }
            ),
            [
                "spec.conversion.webhookClientConfig.url: Invalid value: "
                "\"http\": 'https' is the only allowed URL scheme; desired format: https://host[/path]",
                'spec.conversion.webhookClientConfig.url: Invalid value: "y": '
                "query parameters are not permitted in the URL",
                'spec.conversion.conversionReviewVersions[1]: Invalid value: "v2": duplicate version',
                'spec.conversion.conversionReviewVersions: Invalid value: ["v2","v2"]: '
                "must include at least one of v1, v1beta1",
            ],
        ),
        (
            definition(
                versions=[
                    version(
                        additionalPrinterColumns=[
                            {"name": "A", "type": "thing", "jsonPath": "spec.a"},
                            {"name": "", "type": "string", "jsonPath": ""},
                        ]
                    )
                ]
            ),
            [
                'spec.additionalPrinterColumns[0].type: Invalid value: "thing": '
                "must be one of boolean,date,integer,number,string",
                'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "spec.a": '
                "must be a simple json path starting with .",
                "spec.additionalPrinterColumns[1].name: Required value",
                "spec.additionalPrinterColumns[1].JSONPath: Required value",
            ],
        ),
        (
            definition(
                versions=[version(subresources={"scale": {"specReplicasPath": ".foo", "statusReplicasPath": "spec.x"}})]
            ),
            [
                'spec.subresources.scale.specReplicasPath: Invalid value: ".foo": should be a json path under .spec',
                'spec.subresources.scale.statusReplicasPath: Invalid value: "spec.x": '
                "must be a simple json path starting with .",
            ],
        ),
        (
            definition(versions=[version(selectableFields=[{"jsonPath": ".spec.nope"}, {"jsonPath": ".spec.a"}])]),
            [
                'spec.selectableFields[0].jsonPath: Invalid value: ".spec.nope": '
                "is an invalid path: does not refer to a valid field"
            ],
        ),
        (
            definition(versions=[version(deprecationWarning="old")]),
            ['spec.versions[0].deprecationWarning: Invalid value: "old": can only be set for deprecated versions'],
        ),
    ],
)
def test_mistakes_in_definitions(obj: Any, errors: list[str]) -> None:
    assert create(copy.deepcopy(obj)) == errors


@pytest.mark.parametrize(("value", "good"), [("https://a.b/c", True), ("unapproved, testing", True), ("yes", False)])
def test_approval_of_protected_groups(value: str, good: bool) -> None:
    obj = definition("things.foo.k8s.io", group="foo.k8s.io")
    obj["metadata"]["annotations"] = {"api-approved.kubernetes.io": value}
    assert (create(obj) == []) == good


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"group": "x.apis.kcp.io"}, "x.apis.kcp.io is a reserved group"),
        ({"annotations": {"apis.kcp.io/a": "b"}}, "apis.kcp.io/a is a reserved annotation"),
    ],
)
def test_what_kcp_keeps_for_itself(change: Any, text: str) -> None:
    obj = definition()
    obj["spec"].update({name: value for name, value in change.items() if name == "group"})
    obj["metadata"].update({name: value for name, value in change.items() if name == "annotations"})
    with pytest.raises(StatusError) as refusal:
        create(obj)
    assert refusal.value.code == 403
    assert refusal.value.message.endswith(f"is forbidden: {text}")
