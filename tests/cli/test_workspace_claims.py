"""Claims that a binding leaves open are told when its workspace is entered."""

import pytest
from scripted_server import APIS, GROUPS
from workspace_setting import IN_ROOT

from manifold.cli.workspaces.entering import claims_left_open


def claim(resource, group="", verbs=("*",), **more):
    return {"resource": resource, "group": group, "verbs": list(verbs), **more}


@pytest.mark.parametrize(
    ("exported", "specified", "warnings"),
    [
        ([], [], []),
        ([claim("secrets")], [claim("secrets", state="Accepted")], []),
        ([claim("secrets")], [claim("secrets", state="Rejected")], []),
        (
            [claim("gizmos", "g.io")], [],
            [
                "Warning: claim for gizmos.g.io exported but not specified on APIBinding b",
                "Add this claim to the APIBinding's Spec.",
            ],
        ),
        (
            [claim("secrets")], [claim("secrets")],
            ["Warning: claim for secrets specified on APIBinding b but not accepted or rejected."],
        ),
        (
            [claim("secrets", verbs=["get", "list"])], [claim("secrets", verbs=["get"], state="Accepted")],
            [
                "Warning: allowed verbs (get) on claim for secrets on APIBinding b "
                "do not match expected verbs (get,list)."
            ],
        ),
        (
            [claim("x", "g", identityHash="1")], [claim("x", "g", identityHash="2", state="Accepted")],
            [
                "Warning: claim for x.g exported but not specified on APIBinding b",
                "Add this claim to the APIBinding's Spec.",
            ],
        ),
    ],
)  # fmt: skip
def test_claims_left_open(exported, specified, warnings):
    binding = {
        "metadata": {"name": "b"},
        "spec": {"permissionClaims": specified},
        "status": {"exportPermissionClaims": exported},
    }
    assert list(claims_left_open(binding)) == warnings


def test_claims_left_open_are_told_on_entering(scripted):
    setting, script, _ = scripted
    script[APIS] = [(200, {}, GROUPS)]
    binding = {"metadata": {"name": "b"}, "status": {"exportPermissionClaims": [claim("secrets")]}}
    script["/clusters/root/apis/apis.kcp.io/v1alpha2/apibindings"] = [(200, {}, {"items": [binding]})]
    done = setting.ws(":root")
    assert done.stdout == IN_ROOT
    assert done.stderr.startswith("Warning: claim for secrets exported but not specified on APIBinding b\n")
