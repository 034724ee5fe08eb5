"""What is applied must be an object."""

import pytest

APPLY = {"Content-Type": "application/apply-patch+yaml"}
DECODING = "error decoding YAML: error unmarshaling JSON: while decoding JSON: "


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "invalid object type: /, Kind="),
        ("null", "invalid object type: /, Kind="),
        ("- a", f"{DECODING}json: cannot unmarshal array into Go value of type map[string]interface {{}}"),
        ("text", f"{DECODING}json: cannot unmarshal string into Go value of type map[string]interface {{}}"),
        ("true", f"{DECODING}json: cannot unmarshal bool into Go value of type map[string]interface {{}}"),
        ("1", f"{DECODING}json: cannot unmarshal number into Go value of type map[string]interface {{}}"),
    ],
)
def test_what_is_no_object_is_refused(workspace, body, said):
    path = "/api/v1/namespaces/default/configmaps/one?fieldManager=tool"
    status, refused = workspace.request("PATCH", path, body, headers=APPLY)
    assert (status, refused["message"]) == (400, said)
