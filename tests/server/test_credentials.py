"""Admin tokens and kubeconfig: issued once, kept, and honest when the two files disagree."""

import hashlib
import json
import stat

import pytest
import yaml

from manifold.server import files, kubeconfig, tokens
from manifold.server.files import FileError

URL = "https://127.0.0.1:6443"
AUTHORITY = b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"


def start(directory, with_user=False, url=URL, authority=AUTHORITY):
    """What a start does with the two files."""
    path, store = directory / "admin.kubeconfig", directory / ".admin-token-store"
    current = kubeconfig.load(path)
    admin, stored = tokens.load(store, current.tokens(), path, with_user)
    content = kubeconfig.update(current, url, authority, admin.tokens)
    if content is not None:
        files.write(path, content, 0o600)
    if stored is not None:
        files.write(store, stored, 0o600)
    return admin, content is not None or stored is not None


def document(directory):
    return yaml.safe_load((directory / "admin.kubeconfig").read_text())


def named(entries, name):
    return next(entry for entry in entries if entry["name"] == name)


def test_what_is_written(tmp_path):
    admin, _ = start(tmp_path)
    made = document(tmp_path)
    assert made["current-context"] == "root"
    assert {cluster["name"]: cluster["cluster"]["server"] for cluster in made["clusters"]} == {
        "base": URL, "root": f"{URL}/clusters/root", "system:admin": f"{URL}/clusters/system:admin"
    }  # fmt: skip
    assert {c["name"]: (c["context"]["cluster"], c["context"]["user"]) for c in made["contexts"]} == {
        "root": ("root", "kcp-admin"),
        "base": ("base", "kcp-admin"),
        "shard-base": ("base", "shard-admin"),
        "system:admin": ("system:admin", "shard-admin"),
    }
    assert {user["name"] for user in made["users"]} == {"kcp-admin", "shard-admin"}
    for name in ("admin.kubeconfig", ".admin-token-store"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    stored = (tmp_path / ".admin-token-store").read_text()
    for token in admin.tokens.values():
        assert token not in stored
        assert hashlib.sha256(token.encode()).hexdigest() in stored


def test_who_a_token_is(tmp_path):
    admin, _ = start(tmp_path, with_user=True)
    users = {name: admin.find(token) for name, token in admin.tokens.items()}
    assert users["kcp-admin"].groups == ("system:kcp:admin", "system:authenticated")
    assert users["shard-admin"].groups == ("system:masters", "system:authenticated")
    assert users["shard-admin"].privileged
    assert users["user"].groups == ("system:authenticated",)
    assert len({user.uid for user in users.values()}) == 3
    for wrong in ("", "x", "\udcff", hashlib.sha256(admin.tokens["user"].encode()).hexdigest()):
        assert admin.find(wrong) is None


def test_a_restart_changes_nothing(tmp_path):
    first, changed = start(tmp_path, with_user=True)
    assert changed
    second, changed = start(tmp_path, with_user=True)
    assert not changed
    assert second == first


def test_what_the_user_made_is_kept(tmp_path):
    start(tmp_path)
    made = document(tmp_path)
    made["current-context"] = "mine"
    made["contexts"].append({"name": "mine", "context": {"cluster": "far", "user": "me", "namespace": "n"}})
    made["clusters"].insert(0, {"name": "far", "cluster": {"server": "https://far"}})
    made["users"].append({"name": "me", "user": {"exec": {"command": "x"}}})
    made["extensions"] = [{"name": "e", "extension": {"a": 1}}]
    named(made["contexts"], "root")["context"]["namespace"] = "default"
    named(made["clusters"], "root")["cluster"]["server"] = "https://moved"
    (tmp_path / "admin.kubeconfig").write_text(json.dumps(made))
    start(tmp_path, url="https://host:7")
    after = document(tmp_path)
    assert after["current-context"] == "mine"
    assert named(after["contexts"], "mine") == named(made["contexts"], "mine")
    assert named(after["contexts"], "root")["context"] == {
        "cluster": "root", "user": "kcp-admin", "namespace": "default"
    }  # fmt: skip
    assert named(after["clusters"], "far") == {"name": "far", "cluster": {"server": "https://far"}}
    assert named(after["clusters"], "root")["cluster"]["server"] == "https://host:7/clusters/root"
    assert named(after["users"], "me") == {"name": "me", "user": {"exec": {"command": "x"}}}
    assert after["extensions"] == made["extensions"]


def test_a_chosen_context_that_is_gone_becomes_root(tmp_path):
    start(tmp_path)
    made = document(tmp_path)
    made["current-context"] = "nowhere"
    (tmp_path / "admin.kubeconfig").write_text(json.dumps(made))
    start(tmp_path)
    assert document(tmp_path)["current-context"] == "root"


def test_the_battery_user_comes_and_goes(tmp_path):
    first, _ = start(tmp_path)
    second, _ = start(tmp_path, with_user=True)
    assert {**second.tokens, "user": None} == {**first.tokens, "user": None}
    assert named(document(tmp_path)["contexts"], "user")["context"] == {"cluster": "root", "user": "user"}
    third, _ = start(tmp_path)
    assert third == first
    assert "user" not in [entry["name"] for key in ("users", "contexts") for entry in document(tmp_path)[key]]
    assert third.find(second.tokens["user"]) is None


def test_deleting_the_store_issues_new_tokens(tmp_path):
    first, _ = start(tmp_path)
    (tmp_path / ".admin-token-store").unlink()
    second, _ = start(tmp_path)
    assert not set(first.tokens.values()) & set(second.tokens.values())
    assert second.find(first.tokens["kcp-admin"]) is None


def test_a_lost_kubeconfig_is_told(tmp_path):
    start(tmp_path)
    (tmp_path / "admin.kubeconfig").unlink()
    with pytest.raises(FileError, match=r"cannot create the 'admin\.kubeconfig' file with an empty token.*delete"):
        start(tmp_path)
    assert not (tmp_path / "admin.kubeconfig").exists()


@pytest.mark.parametrize("name", ["kcp-admin", "shard-admin"])
def test_a_token_that_does_not_match_is_told(tmp_path, name):
    start(tmp_path)
    made = document(tmp_path)
    named(made["users"], name)["user"]["token"] = "other"
    (tmp_path / "admin.kubeconfig").write_text(json.dumps(made))
    with pytest.raises(FileError, match=rf"the token of {name} .* delete the file .*admin-token-store"):
        start(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"[]", b"{}", b'{"version":2,"tokens":{}}',
     b'{"version":1,"tokens":{"kcp-admin":{"sha256":"zz","uid":""}}}',
     b'{"version":1,"tokens":{"kcp-admin":{"sha256":"00","uid":""}}}', b"\x00" * 32],
)  # fmt: skip
def test_a_store_that_is_none_is_told(tmp_path, content):
    start(tmp_path)
    (tmp_path / ".admin-token-store").write_bytes(content)
    with pytest.raises(FileError, match="is no token store of this version; delete the file"):
        start(tmp_path)


@pytest.mark.parametrize(
    "content", ["a: [", "- a", "users: 1", "users: [1]", "contexts: [{name: 1}]", "users: [{name: a, user: b}]"]
)
def test_a_kubeconfig_that_is_none_is_told_and_left(tmp_path, content):
    (tmp_path / "admin.kubeconfig").write_text(content)
    with pytest.raises(FileError, match="is no kubeconfig"):
        start(tmp_path)
    assert (tmp_path / "admin.kubeconfig").read_text() == content


@pytest.mark.parametrize("content", ["", "\n", "users: null\nclusters:\n", "apiVersion: v1\n"])
def test_an_empty_kubeconfig_is_filled(tmp_path, content):
    (tmp_path / "admin.kubeconfig").write_text(content)
    start(tmp_path)
    assert document(tmp_path)["current-context"] == "root"
