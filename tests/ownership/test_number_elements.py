"""Members of lists that are told apart by numbers: also by such as no list may have, which validation refuses."""

import json

import pytest

from manifold.schema.ownership.elements import set_element

BINDINGS = "/apis/apis.kcp.io/v1alpha2/apibindings"
APPLY = {"Content-Type": "application/apply-patch+yaml"}
LARGE = ["1e300", "-1e300", "9223372036854775807", "18446744073709551615", "123456789012345678901234567890", "1" * 400]
SHAPES = ["%s", "[%s]", '{"a": %s}']


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "3"), (3.0, "3"), (2.5, "2.5"), (True, "true"), (1e300, "1e+300"), (2**63 - 1, "9223372036854775807")],
)
def test_how_a_number_is_spelt(value, text):
    assert set_element(value) == f"v:{text}"


@pytest.mark.parametrize("number", LARGE, ids=lambda number: number[:24])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_large_number_as_a_key_is_refused(workspace, number, shape):
    claims = f'[{{"group": {shape % number}, "resource": "configmaps", "defaultSelector": {{}}}}]'
    body = json.dumps({"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIBinding", "metadata": {"name": "hostile"}})
    body = f'{body[:-1]}, "spec": {{"permissionClaims": {claims}}}, "status": {{"appliedPermissionClaims": {claims}}}}}'
    for method, path, headers in (
        ("POST", BINDINGS, {}),
        ("PATCH", f"{BINDINGS}/hostile?fieldManager=test&force=true", APPLY),
    ):
        status, refusal = workspace.request(method, path, body, headers=headers)
        # What does not fit the type of an applied field is told without a reason, as Kubernetes does.
        assert 400 <= status < 500 or (status == 500 and "reason" not in refusal), refusal
