"""The fixtures of the end-to-end tests do what they say."""

import pytest
from support.server import TOKENS, running_server


def test_a_workspace_of_ones_own(server, workspace):
    assert workspace.kubectl("get", "namespaces", "-o", "name").stdout.split() == [
        "namespace/default",
        "namespace/kube-system",
    ]
    assert workspace.request("GET", "/api/v1/namespaces/default")[0] == 200
    assert server.request("GET", f"/clusters/{workspace.cluster}/api/v1/namespaces/default")[0] == 200
    assert workspace.request("GET", "/api/v1/namespaces/default", user="alice")[0] == 403
    applied = workspace.kubectl(
        "apply", "-f", "-", input='{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made"}}'
    )
    assert applied.stdout == "configmap/made created\n"


@pytest.mark.parametrize("user", ["kcp-admin", "shard-admin", "user", *TOKENS])
def test_users(server, user):
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    status, review = server.request(
        "POST", "/clusters/root/apis/authentication.k8s.io/v1/selfsubjectreviews", body, user=user
    )
    assert (status, review["status"]["userInfo"]["username"]) == (201, user)


def test_a_failure_is_told(server):
    refused = server.kubectl("get", "nonsense", check=False)
    assert (refused.returncode, refused.stderr) == (1, 'error: the server doesn\'t have a resource type "nonsense"\n')
    with pytest.raises(AssertionError, match="nonsense"):
        server.kubectl("get", "nonsense")


def test_a_server_that_does_not_start_shows_its_log(tmp_path):
    with (
        pytest.raises(AssertionError, match="ended with code 2") as failure,
        running_server(tmp_path, "--no-such-flag"),
    ):
        pass
    assert "no-such-flag" in failure.value.__notes__[0]
