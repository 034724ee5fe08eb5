"""What may be replaced without saying which state of it: for most types anything, for some nothing."""

import pytest
from things import DEFINITION, THING

ADMISSION = "admissionregistration.k8s.io/v1"
RULE = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}


def admission(kind, **more):
    return {"apiVersion": ADMISSION, "kind": kind, "metadata": {"name": "one"}, **more}


CONDITIONAL = [
    ("apiextensions.k8s.io/v1/customresourcedefinitions", DEFINITION),
    ("example.dev/v1/things", THING),
    (
        "coordination.k8s.io/v1/namespaces/default/leases",
        {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "one"}},
    ),
    (f"{ADMISSION}/validatingwebhookconfigurations", admission("ValidatingWebhookConfiguration")),
    (f"{ADMISSION}/mutatingwebhookconfigurations", admission("MutatingWebhookConfiguration")),
    (
        f"{ADMISSION}/validatingadmissionpolicies",
        admission(
            "ValidatingAdmissionPolicy",
            spec={"validations": [{"expression": "true"}], "matchConstraints": {"resourceRules": [RULE]}},
        ),
    ),
    (
        f"{ADMISSION}/validatingadmissionpolicybindings",
        admission("ValidatingAdmissionPolicyBinding", spec={"policyName": "x", "validationActions": ["Deny"]}),
    ),
]


@pytest.mark.parametrize(("path", "body"), CONDITIONAL, ids=[path.rpartition("/")[2] for path, _ in CONDITIONAL])
def test_a_state_must_be_named(workspace, path, body):
    if body is THING:
        workspace.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", DEFINITION)
    status, made = workspace.request("POST", f"/apis/{path}", body)
    assert status == 201, made
    name, resource = made["metadata"]["name"], path.rpartition("/")[2]
    group = path.partition("/")[0]
    status, refused = workspace.request("PUT", f"/apis/{path}/{name}", body)
    assert (status, refused["message"]) == (
        422,
        f'{resource}.{group} "{name}" is invalid: metadata.resourceVersion: Invalid value: 0: '
        "must be specified for an update",
    )
    assert refused["details"]["kind"] == resource
    assert workspace.request("PUT", f"/apis/{path}/{name}", made)[0] == 200


def test_others_are_replaced_as_they_are(workspace):
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"a": "1"}}
    workspace.request("POST", "/api/v1/namespaces/default/configmaps", body)
    assert workspace.request("PUT", "/api/v1/namespaces/default/configmaps/one", body)[0] == 200
