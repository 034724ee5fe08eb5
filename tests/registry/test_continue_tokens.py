"""Continue tokens: read back as written, refused where they are not ours, and no way into another range."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifold.base.errors import StatusError
from manifold.registry.lists import Continuation, parse_continuation

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def encoded(body) -> str:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@given(st.integers(-1, 1 << 62), TEXT)
def test_a_token_is_read_back_as_it_was_written(revision, start):
    token = Continuation(revision, start.encode()).token()
    assert parse_continuation(token) == Continuation(revision, start.encode())
    assert token.isascii()
    assert "=" not in token


@given(st.one_of(TEXT, st.binary(max_size=60).map(encoded)))
def test_anything_else_is_a_bad_request(token):
    try:
        parse_continuation(token)
    except StatusError as error:
        refused = error
    else:
        return
    assert (refused.code, refused.reason) == (400, "BadRequest")
    assert refused.message.startswith("invalid continue token: continue key is not valid: ")


@pytest.mark.parametrize(
    "token",
    [
        "!",
        "a=b",
        encoded(b""),
        encoded(b"\xff"),
        encoded([]),
        encoded(1),
        encoded({}),
        encoded({"v": "meta.k8s.io/v2", "rv": 1, "start": "a"}),
        encoded({"v": "meta.k8s.io/v1", "start": "a"}),
        encoded({"v": "meta.k8s.io/v1", "rv": "x", "start": "a"}),
        encoded({"v": "meta.k8s.io/v1", "rv": None, "start": "a"}),
        encoded({"v": "meta.k8s.io/v1", "rv": 1}),
        "é",
    ],
)
def test_tokens_that_are_not_ours(token):
    with pytest.raises(StatusError) as raised:
        parse_continuation(token)
    assert raised.value.code == 400


@pytest.mark.parametrize("revision", [1e300, 1 << 63, 10**30, 99_999_999])
def test_a_revision_that_never_was(workspace, revision):
    token = encoded({"v": "meta.k8s.io/v1", "rv": revision, "start": "a"})
    status, answer = workspace.request("GET", f"/api/v1/namespaces/default/configmaps?limit=1&continue={token}")
    assert (status, answer["reason"]) == (400, "BadRequest")


def test_a_token_leads_no_further_than_the_list_it_is_used_for(workspace):
    """Tokens are not signed, because they can say nothing that the request itself is not asked about."""
    maps = "/api/v1/namespaces/default/configmaps?limit=1&continue="
    for start in ("", "\x00", "/", "../secrets\x00", "\x7f", "zzz\x00", "a\x00b\x00c\x00"):
        token = Continuation(-1, start.encode()).token()
        status, answer = workspace.request("GET", maps + token)
        assert status == 200
        for item in answer["items"]:
            assert item["metadata"]["namespace"] == "default"
            assert item["metadata"]["annotations"]["kcp.io/cluster"] == workspace.cluster
            assert "ca.crt" in item["data"]
