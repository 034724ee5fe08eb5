"""Schemas of CustomResourceDefinitions: what is wrong with a bad one, in the words clients compare."""

from __future__ import annotations

from typing import Any

import pytest
from extension_definitions import S, create, definition, field, version

ROOT = "spec.validation.openAPIV3Schema"
A = f"{ROOT}.properties[spec].properties[a]"
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
