"""Webhook configurations, admission policies and their bindings: defaults, and what is wrong with bad ones."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from manifold.types.admissionregistration import TYPES

KINDS = {kind.kind: kind for kind in TYPES}
RULE = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}
WEBHOOK = {
    "name": "a.b.c",
    "clientConfig": {"url": "https://h/x"},
    "rules": [RULE],
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
}
POLICY = {"matchConstraints": {"resourceRules": [RULE]}, "validations": [{"expression": "true"}]}
MUTATING = {
    "matchConstraints": {"resourceRules": [RULE]},
    "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": "[]"}}],
}
BINDING = {"policyName": "p", "validationActions": ["Deny"]}


def create(kind_name: str, **content: Any) -> tuple[list[str], dict[str, Any]]:
    kind = KINDS[kind_name]
    obj = {"apiVersion": kind.api_version, "kind": kind_name, "metadata": {"name": "x"}, **copy.deepcopy(content)}
    assert kind.codec.normalize(obj) == []
    kind.strategy.default(obj)
    kind.strategy.prepare_create(obj)
    return [str(error) for error in kind.strategy.validate_create(obj)], obj


def test_types() -> None:
    assert [kind.resource for kind in TYPES] == [
        "mutatingadmissionpolicies",
        "mutatingadmissionpolicybindings",
        "mutatingwebhookconfigurations",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "validatingwebhookconfigurations",
    ]
    assert {kind.resource for kind in TYPES if kind.status} == {"validatingadmissionpolicies"}
    assert all(kind.categories == ("api-extensions",) and kind.generation and not kind.namespaced for kind in TYPES)


def test_defaults_of_webhooks() -> None:
    service = {**WEBHOOK, "clientConfig": {"service": {"name": "s", "namespace": "n"}}}
    errors, obj = create("MutatingWebhookConfiguration", webhooks=[service])
    assert errors == []
    (webhook,) = obj["webhooks"]
    assert webhook["rules"] == [{**RULE, "scope": "*"}]
    assert webhook["clientConfig"]["service"]["port"] == 443
    defaults = ("failurePolicy", "matchPolicy", "namespaceSelector", "objectSelector", "timeoutSeconds")
    assert [webhook[name] for name in defaults] == ["Fail", "Equivalent", {}, {}, 10]
    assert webhook["reinvocationPolicy"] == "Never"
    assert "reinvocationPolicy" not in create("ValidatingWebhookConfiguration", webhooks=[WEBHOOK])[1]["webhooks"][0]


def test_defaults_of_policies() -> None:
    errors, obj = create("ValidatingAdmissionPolicy", spec=POLICY)
    assert errors == []
    assert obj["status"] == {}
    assert obj["spec"]["failurePolicy"] == "Fail"
    assert obj["spec"]["matchConstraints"] == {
        "resourceRules": [{**RULE, "scope": "*"}],
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
    }
    errors, obj = create("MutatingAdmissionPolicy", spec=MUTATING)
    assert errors == []
    assert obj["spec"]["reinvocationPolicy"] == "Never"


W = "webhooks[0]"


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({}, []),
        (
            {"name": "short"},
            [f'{W}.name: Invalid value: "short": should be a domain with at least three segments separated by dots'],
        ),
        (
            {"rules": [{**RULE, "operations": ["NOPE"], "apiGroups": []}]},
            [
                f'{W}.rules[0].operations[0]: Unsupported value: "NOPE": supported values: "*", "CONNECT", "CREATE", '
                '"DELETE", "UPDATE"',
                f"{W}.rules[0].apiGroups: Required value",
            ],
        ),
        (
            {"rules": [{**RULE, "apiVersions": ["*", "v1"], "resources": ["a", "*/*"], "scope": "X"}]},
            [
                f'{W}.rules[0].apiVersions: Invalid value: ["*","v1"]: if \'*\' is present, must not specify other API '
                "versions",
                f'{W}.rules[0].resources: Invalid value: ["a","*/*"]: if \'*/*\' is present, must not specify other '
                "resources",
                f'{W}.rules[0].scope: Unsupported value: "X": supported values: "*", "Cluster", "Namespaced"',
            ],
        ),
        (
            {"rules": [{**RULE, "resources": ["a/*", "a/b", "*/b", "c/b", "", "*", "d"]}]},
            [
                f"{W}.rules[0].resources[1]: Invalid value: \"a/b\": if 'a/*' is present, must not specify a/b",
                f"{W}.rules[0].resources[3]: Invalid value: \"c/b\": if '*/b' is present, must not specify c/b",
                f"{W}.rules[0].resources[4]: Required value",
                f'{W}.rules[0].resources: Invalid value: ["a/*","a/b","*/b","c/b","","*","d"]: '
                "if '*' is present, must not specify other resources without subresources",
            ],
        ),
        (
            {"sideEffects": "Some"},
            [f'{W}.sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"'],
        ),
        (
            {"timeoutSeconds": 40},
            [f"{W}.timeoutSeconds: Invalid value: 40: the timeout value must be between 1 and 30 seconds"],
        ),
        ({"clientConfig": {}}, [f"{W}.clientConfig: Required value: exactly one of url or service is required"]),
        (
            {"matchConditions": [{"name": "a", "expression": ""}, {"name": "a", "expression": "true"}]},
            [
                f"{W}.matchConditions[0].expression: Required value",
                f'{W}.matchConditions[1].name: Duplicate value: "a"',
            ],
        ),
        (
            {"admissionReviewVersions": []},
            [f"{W}.admissionReviewVersions: Required value: must specify one of v1, v1beta1"],
        ),
        (
            {"admissionReviewVersions": ["v2"]},
            [f'{W}.admissionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, v1beta1'],
        ),
        (
            {"failurePolicy": "X", "matchPolicy": "Y"},
            [
                f'{W}.failurePolicy: Unsupported value: "X": supported values: "Fail", "Ignore"',
                f'{W}.matchPolicy: Unsupported value: "Y": supported values: "Equivalent", "Exact"',
            ],
        ),
    ],
)
def test_mistakes_in_webhooks(change: Any, errors: list[str]) -> None:
    assert create("ValidatingWebhookConfiguration", webhooks=[{**WEBHOOK, **change}])[0] == errors


def test_names_of_webhooks_differ() -> None:
    errors, _ = create("ValidatingWebhookConfiguration", webhooks=[WEBHOOK, WEBHOOK])
    assert errors == ['webhooks[1].name: Duplicate value: "a.b.c"']


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"matchConstraints": None}, ["spec.matchConstraints: Required value"]),
        ({"matchConstraints": {}}, ["spec.matchConstraints.resourceRules: Required value"]),
        (
            {"validations": []},
            [
                f"spec.{name}: Required value: validations or auditAnnotations must contain at least one item"
                for name in ("validations", "auditAnnotations")
            ],
        ),
        (
            {"variables": [{"name": "1x", "expression": "y"}, {"name": "in", "expression": ""}]},
            [
                'spec.variables[0].name: Invalid value: "1x": must be a valid CEL identifier',
                'spec.variables[1].name: Invalid value: "in": must be a valid CEL identifier',
                "spec.variables[1].expression: Required value: expression is not specified",
            ],
        ),
        (
            {"validations": [{"expression": "", "message": "a\nb", "reason": "Odd"}]},
            [
                "spec.validations[0].expression: Required value: expression is not specified",
                'spec.validations[0].message: Invalid value: "a\\nb": message must not contain line breaks',
                'spec.validations[0].reason: Unsupported value: "Odd": supported values: "Forbidden", "Invalid", '
                '"RequestEntityTooLarge", "Unauthorized"',
            ],
        ),
        (
            {"paramKind": {"apiVersion": "a/b/c", "kind": ""}},
            [
                'spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
                "spec.paramKind.kind: Required value",
            ],
        ),
        (
            {"auditAnnotations": [{"key": "k", "valueExpression": "''"}, {"key": "k", "valueExpression": ""}]},
            [
                "spec.auditAnnotations[1].valueExpression: Required value: valueExpression is not specified",
                'spec.auditAnnotations[1].key: Duplicate value: "k"',
            ],
        ),
    ],
)
def test_mistakes_in_policies(change: Any, errors: list[str]) -> None:
    spec = {name: value for name, value in {**POLICY, **change}.items() if value is not None}
    assert create("ValidatingAdmissionPolicy", spec=spec)[0] == errors


@pytest.mark.parametrize(
    ("mutations", "errors"),
    [
        ([], ["spec.mutations: Required value: mutations must contain at least one item"]),
        ([{}], ["spec.mutations[0].patchType: Required value: patchType is not specified"]),
        (
            [{"patchType": "X"}],
            [
                'spec.mutations[0].patchType: Unsupported value: "X": supported values: "ApplyConfiguration", '
                '"JSONPatch"'
            ],
        ),
        (
            [{"patchType": "JSONPatch", "applyConfiguration": {"expression": "x"}}],
            [
                "spec.mutations[0].applyConfiguration: Forbidden: must not be specified when patchType is JSONPatch",
                "spec.mutations[0].jsonPatch: Required value: must be specified when patchType is JSONPatch",
            ],
        ),
    ],
)
def test_mistakes_in_mutations(mutations: Any, errors: list[str]) -> None:
    assert create("MutatingAdmissionPolicy", spec={**MUTATING, "mutations": mutations})[0] == errors


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({}, []),
        ({"policyName": ""}, ["spec.policyName: Required value"]),
        (
            {"validationActions": []},
            ["spec.validationActions: Required value: at least one validation action is required"],
        ),
        (
            {"validationActions": ["Deny", "Warn", "Deny"]},
            [
                'spec.validationActions[2]: Duplicate value: "Deny"',
                'spec.validationActions: Invalid value: ["Deny","Warn","Deny"]: must not contain both Deny and Warn '
                "(repeating the same validation failure information in the API response and headers serves no purpose)",
            ],
        ),
        (
            {"paramRef": {"name": "a", "selector": {}, "parameterNotFoundAction": "Deny"}},
            [
                "spec.paramRef.name: Forbidden: name and selector are mutually exclusive",
                "spec.paramRef.selector: Forbidden: name and selector are mutually exclusive",
            ],
        ),
        (
            {"paramRef": {}},
            [
                "spec.paramRef: Required value: one of name or selector must be specified",
                "spec.paramRef.parameterNotFoundAction: Required value",
            ],
        ),
    ],
)
def test_mistakes_in_bindings(change: Any, errors: list[str]) -> None:
    assert create("ValidatingAdmissionPolicyBinding", spec={**BINDING, **change})[0] == errors


def test_columns() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    def cells(kind: str, **content: Any) -> list[Any]:
        obj = create(kind, **content)[1]
        obj["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
        return [column.cell(obj, now) for column in KINDS[kind].columns]

    assert cells("ValidatingWebhookConfiguration", webhooks=[WEBHOOK]) == ["x", 1, "0s"]
    assert cells("ValidatingAdmissionPolicy", spec=POLICY) == ["x", 1, "<unset>", "0s"]
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    assert cells("MutatingAdmissionPolicy", spec={**MUTATING, "paramKind": kind}) == ["x", 1, "v1/ConfigMap", "0s"]
    assert cells("ValidatingAdmissionPolicyBinding", spec=BINDING) == ["x", "p", "<unset>", "0s"]
