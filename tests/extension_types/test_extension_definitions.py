"""CustomResourceDefinitions: what is filled in, and what is wrong with a bad one, in the words clients compare."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from manifold.base.errors import StatusError
from manifold.types.apiextensions.definitions import CUSTOM_RESOURCE_DEFINITIONS as KIND

LABEL_1035 = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)
S = {"type": "string"}
ROOT = "spec.validation.openAPIV3Schema"
A = f"{ROOT}.properties[spec].properties[a]"


def version(schema: Any = None, **more: Any) -> dict[str, Any]:
    schema = schema or {"type": "object", "properties": {"spec": {"type": "object", "properties": {"a": S}}}}
    return {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, **more}


def field(schema: Any) -> dict[str, Any]:
    """A version with one property `spec.a` of that schema."""
    return version({"type": "object", "properties": {"spec": {"type": "object", "properties": {"a": schema}}}})


def definition(name: str = "things.t.example.com", **spec: Any) -> dict[str, Any]:
    whole = {
        "group": "t.example.com",
        "scope": "Namespaced",
        "names": {"plural": "things", "kind": "Thing"},
        "versions": [version()],
        **spec,
    }
    return {
        "apiVersion": KIND.api_version,
        "kind": KIND.kind,
        "metadata": {"name": name},
        "spec": copy.deepcopy(whole),
    }


def create(obj: dict[str, Any]) -> list[str]:
    KIND.codec.normalize(obj)
    KIND.strategy.default(obj)
    KIND.strategy.prepare_create(obj)
    return [str(error) for error in KIND.strategy.validate_create(obj)]


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


KEYED = {"type": "array", "x-kubernetes-list-type": "map", "items": {"type": "object", "properties": {"n": S}}}


@pytest.mark.parametrize(
    ("one", "errors"),
    [
        (version({"type": "string"}), [f'{ROOT}.type: Invalid value: "string": must be object at the root']),
        (
            version({"type": "object", "properties": {"a": {"properties": {"b": S}}}}),
            [f"{ROOT}.properties[a].type: Required value: must not be empty for specified object fields"],
        ),
        (
            version({"type": "object", "properties": {"metadata": {"type": "object", "properties": {"labels": S}}}}),
            [
                f"{ROOT}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, "
                "but metadata is implicitly specified"
            ],
        ),
        (
            version({"type": "object", "nullable": True}),
            [f"{ROOT}.nullable: Forbidden: nullable cannot be true at the root"],
        ),
        (
            version({"type": "object", "additionalProperties": S}),
            [f"{ROOT}.additionalProperties: Forbidden: must not be used at the root"],
        ),
        (field({"type": "array"}), [f"{A}.items: Required value: must be specified"]),
        (field({"$ref": "#/x"}), [f"{A}.$ref: Forbidden: $ref is not supported"]),
        (
            field({"type": "object", "properties": {"b": S}, "additionalProperties": S}),
            [f"{A}.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"],
        ),
        (
            field({"type": "array", "items": S, "uniqueItems": True}),
            [
                f"{A}.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes "
                "quadratic"
            ],
        ),
        (
            field({"type": "integer", "default": "x"}),
            [f'{A}.default: Invalid value: "string":  in body must be of type integer: "string"'],
        ),
        (
            field({"type": "integer", "default": 0, "minimum": 1}),
            [f"{A}.default: Invalid value: 0:  in body should be greater than or equal to 1"],
        ),
        (
            field({"type": "object", "default": {"z": 1}, "properties": {"b": S}}),
            [f'{A}.default: Invalid value: {{"z":1}}: must not have unknown fields'],
        ),
        (
            field({"type": "string", "pattern": "["}),
            [
                f'{A}.pattern: Invalid value: "[": must be a valid regular expression, but isn\'t: '
                "error parsing regexp: missing closing ]: `[`"
            ],
        ),
        (
            field({"type": "strung"}),
            [
                f'{A}.type: Unsupported value: "strung": supported values: "array", "boolean", "integer", "number", '
                '"object", "string"'
            ],
        ),
        (
            field(KEYED),
            [f"{A}.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map"],
        ),
        (
            field({**KEYED, "x-kubernetes-list-map-keys": ["n"]}),
            [
                f"{A}.items.properties[n].default: Required value: this property is in x-kubernetes-list-map-keys, so "
                "it must have a default or be a required property"
            ],
        ),
        (
            field(
                {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "object", "properties": {"n": S}}}
            ),
            [
                f"{A}.items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with "
                "x-kubernetes-list-type=set"
            ],
        ),
        (
            field({"type": "string", "x-kubernetes-validations": [{"rule": "true"}, {"rule": ""}]}),
            [f"{A}.x-kubernetes-validations[1].rule: Required value: rule is not specified"],
        ),
        (
            field(
                {
                    "type": "string",
                    "x-kubernetes-validations": [
                        {"rule": "true", "message": "a\nb"},
                        {"rule": "true", "reason": "Odd"},
                        {"rule": "true", "fieldPath": ".nope"},
                    ],
                }
            ),
            [
                f'{A}.x-kubernetes-validations[0].message: Invalid value: "a\\nb": must not contain line breaks',
                f'{A}.x-kubernetes-validations[1].reason: Unsupported value: "Odd": supported values: '
                '"FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"',
                f'{A}.x-kubernetes-validations[2].fieldPath: Invalid value: ".nope": must be a valid path',
            ],
        ),
        (
            field({"type": "object", "oneOf": [{"properties": {"b": {"type": "string"}}}]}),
            [f"{A}.oneOf[0].properties[b].type: Forbidden: must be empty to be structural"],
        ),
        (
            version({"type": "object", "oneOf": [{"properties": {"b": {"minLength": 1}}}]}),
            [f"{ROOT}.properties[b]: Required value: because it is defined in {ROOT}.oneOf[0].properties[b]"],
        ),
        (field({"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}), []),
        (field({"type": "object", "x-kubernetes-preserve-unknown-fields": True}), []),
        (
            field({"type": "object", "x-kubernetes-preserve-unknown-fields": False}),
            [f"{A}.x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined"],
        ),
    ],
)
def test_mistakes_in_schemas(one: Any, errors: list[str]) -> None:
    assert create(definition(versions=[one])) == errors


def test_versions_that_differ_are_told_one_by_one() -> None:
    bad = field({"type": "array"})
    obj = definition(versions=[version(), {**bad, "name": "v2", "storage": False}])
    place = "spec.versions[1].schema.openAPIV3Schema.properties[spec].properties[a].items"
    assert create(obj) == [f"{place}: Required value: must be specified"]


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


def update(old: dict[str, Any], **spec: Any) -> tuple[list[str], dict[str, Any]]:
    new = copy.deepcopy(old)
    new["spec"].update(spec)
    KIND.strategy.prepare_update(new, old)
    return [str(error) for error in KIND.strategy.validate_update(new, old)], new


def established() -> dict[str, Any]:
    obj = definition()
    assert create(obj) == []
    obj["status"]["conditions"] = [{"type": "Established", "status": "True"}]
    return obj


@pytest.mark.parametrize(
    ("spec", "errors"),
    [
        ({"scope": "Cluster"}, ['spec.scope: Invalid value: "Cluster": field is immutable']),
        ({"group": "o.example.com"}, ['spec.group: Invalid value: "o.example.com": field is immutable']),
        (
            {"names": {"plural": "others", "singular": "thing", "kind": "Thing", "listKind": "ThingList"}},
            ['spec.names.plural: Invalid value: "others": field is immutable'],
        ),
        (
            {"versions": [version(name="v9")]},
            [
                'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a '
                "storage version, and must remain in spec.versions until a storage migration ensures no data remains "
                "persisted in v1 and removes v1 from status.storedVersions"
            ],
        ),
    ],
)
def test_what_cannot_change(spec: Any, errors: list[str]) -> None:
    assert update(established(), **spec)[0] == errors


def test_a_new_storage_version_is_remembered() -> None:
    old = established()
    errors, new = update(old, versions=[version(storage=False), version(name="v2")])
    assert errors == []
    assert new["status"]["storedVersions"] == ["v1", "v2"]
    assert old["status"]["storedVersions"] == ["v1"]


def test_scope_may_change_before_the_definition_is_served() -> None:
    obj = definition()
    create(obj)
    assert update(obj, scope="Cluster")[0] == []


def test_the_status_subresource_changes_nothing_else() -> None:
    old = established()
    new = copy.deepcopy(old)
    new["spec"]["scope"] = "Cluster"
    new["metadata"]["labels"] = {"a": "b"}
    new["status"]["storedVersions"] = []
    KIND.subresources["status"].prepare_update(new, old)
    assert new["spec"] == old["spec"]
    assert new["metadata"] == old["metadata"]
    errors = KIND.subresources["status"].validate_update(new, old)
    assert [str(error) for error in errors] == [
        "status.storedVersions: Invalid value: []: must have at least one stored version"
    ]
