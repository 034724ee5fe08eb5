"""What the workspace commands make of a server's answers: busy ones, refusals, expired lists, odd workspaces."""

import pytest
from scripted_server import APIS, GROUPS
from workspace_setting import IN_ROOT


def test_what_is_wanted_later_is_asked_again(scripted):
    setting, script, seen = scripted
    script[APIS] = [
        (429, {"Retry-After": "0"}, "busy"),
        (503, {"Retry-After": "0", "X-Then": "close"}, "busy"),
        (200, {"Warning": '299 - "be \\"careful\\""'}, GROUPS),
    ]
    done = setting.ws(":root")
    assert (done.returncode, done.stdout, done.stderr) == (0, IN_ROOT, 'Warning: be "careful"\n')
    assert [path for path, _ in seen].count(APIS) == 3


def test_there_is_an_end_to_asking_again(scripted):
    setting, script, seen = scripted
    script[APIS] = [(429, {"Retry-After": "0"}, "busy")]
    done = setting.ws(":root")
    assert done.stderr == ("Error: the server has received too many requests and has asked us to try again later\n")
    assert len(seen) == 11


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ((500, {}, "broken"), 'an error on the server ("broken") has prevented the request from succeeding'),
        ((503, {}, "Not available."), "the server is currently unable to handle the request"),
        ((404, {}, "no"), "the server could not find the requested resource"),
        ((403, {}, {"kind": "Status", "message": "no"}), 'access to workspace "root" denied'),
        ((200, {}, {"kind": "APIGroupList", "groups": []}), 'access to workspace "root" denied'),
        (
            (200, {}, "<html>"),
            "the server answered with something that is no Kubernetes object; is its URL right?",
        ),
        (
            (302, {"Location": "/"}, ""),
            "the server responded with the status code 302 but did not return more information",
        ),
    ],
)
def test_refusals(scripted, answer, text):
    setting, script, _ = scripted
    script[APIS] = [answer]
    assert setting.ws(":root").stderr == f"Error: {text}\n"


def test_an_expired_list_goes_on(scripted):
    setting, script, seen = scripted

    def page(names, **metadata):
        return {
            "kind": "WorkspaceList",
            "metadata": metadata,
            "items": [{"metadata": {"name": name}} for name in names],
        }

    expired = {"kind": "Status", "code": 410, "reason": "Expired", "metadata": {"continue": "now"}, "message": "old"}
    path = "/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspaces"
    script[path] = [(200, {}, page("ab", **{"continue": "then"})), (410, {}, expired), (200, {}, page("cd"))]
    assert setting.ws("list", "-o", "name").stdout.split() == [f"workspace.tenancy.kcp.io/{name}" for name in "abcd"]
    assert [path.partition("?")[2] for path, _ in seen] == [
        "limit=500",
        "limit=500&continue=then",
        "limit=500&continue=now",
    ]
    script[path] = [(200, {}, page("ab", **{"continue": "then"})), (410, {}, {**expired, "metadata": {}})]
    assert setting.ws("list", "-o", "name").stderr == "Error: old\n"


def test_a_workspace_without_a_cluster_or_with_a_mount_is_a_leaf(scripted):
    """Such ones have no workspaces to be asked for."""
    setting, script, seen = scripted
    path = "/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspaces"
    items = [
        {
            "metadata": {"name": "mounted"},
            "spec": {"mount": {"ref": {}}, "URL": "https://x"},
            "status": {"phase": "Ready"},
        },
        {"metadata": {"name": "unscheduled"}, "spec": {}, "status": {"phase": "Unavailable"}},
    ]
    script[path] = [(200, {}, {"kind": "WorkspaceList", "metadata": {}, "items": items})]
    assert setting.ws("tree").stdout == ".\n└── root\n    ├── mounted [m]\n    └── unscheduled\n\n"
    assert len(seen) == 1
    script["/clusters/root/apis/core.kcp.io/v1alpha1/logicalclusters/cluster"] = [(403, {}, "no")]
    assert setting.ws("tree", "--wide").stdout == (
        ".\n└── root  ws=-  lc=Unknown\n    ├── mounted  ws=Ready  lc=Unknown [m]\n"
        "    └── unscheduled  ws=Unavailable  lc=Unknown\n\n"
    )
