"""Kubeconfig files: which ones, what is in force, and what a change leaves alone."""

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from manifold.cli.workspaces import kubeconfig
from manifold.cli.workspaces.failures import CommandError
from manifold.cli.workspaces.kubeconfig import Change, Entry, Files, locate

PLACE = "https://host/clusters/"


def written(path, clusters=(), contexts=(), current="", **more):
    """Write a small kubeconfig: clusters and contexts by name."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": PLACE + name}} for name in clusters],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "me"}} for name in contexts],
        **({"current-context": current} if current else {}),
        **more,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document))
    return path


def cluster(name, directory, **values):
    return Entry(name, values, directory)


def parsed(path):
    return yaml.safe_load(path.read_text())


@pytest.mark.parametrize(
    ("explicit", "environment", "expected"),
    [
        ("/k", {"KUBECONFIG": "/a:/b"}, Files((Path("/k"),), explicit=True)),
        ("", {"KUBECONFIG": "/a:/b", "HOME": "/h"}, Files((Path("/a"), Path("/b")))),
        ("", {"KUBECONFIG": ":/a::/a:/b:", "HOME": "/h"}, Files((Path("/a"), Path("/b")))),
        ("", {"KUBECONFIG": "", "HOME": "/h"}, Files((Path("/h/.kube/config"),))),
        ("", {"HOME": "/h"}, Files((Path("/h/.kube/config"),))),
    ],
)
def test_locate(explicit, environment, expected):
    assert locate(explicit, environment) == expected


def test_the_first_file_to_mention_something_decides(tmp_path):
    one = written(tmp_path / "one", clusters=["shared", "a"])
    two = written(tmp_path / "two", clusters=["b"], contexts=["b"], current="b")
    (tmp_path / "two").write_text((tmp_path / "two").read_text().replace("clusters/b", "clusters/second"))
    three = written(tmp_path / "three", clusters=["b", "shared"], current="other")
    loaded = Files((one, tmp_path / "missing", two, three)).load()
    assert loaded.current_context == "b"
    assert {name: entry.text("server") for name, entry in loaded.entries["clusters"].items()} == {
        "shared": PLACE + "shared",
        "a": PLACE + "a",
        "b": PLACE + "second",
    }


def test_a_file_that_was_named_must_exist(tmp_path):
    with pytest.raises(CommandError, match="no such file"):
        Files((tmp_path / "missing",), explicit=True).load()
    assert Files((tmp_path / "missing",)).load().current_context == ""


@pytest.mark.parametrize(
    "content",
    ["[]", "text", "clusters: {a: 1}", "clusters: [1]", "clusters: [{cluster: {}}]",
     "contexts: [{name: a, context: x}]", "current-context: [a]", "a: b: c", "\x00", "&a [*a]"],
)  # fmt: skip
def test_a_file_that_is_no_kubeconfig(tmp_path, content):
    path = tmp_path / "config"
    path.write_text(content)
    with pytest.raises(CommandError, match="error loading config file"):
        Files((path,)).load()


@pytest.mark.parametrize("content", ["", "# nothing\n", "clusters:\ncontexts: null\n", "clusters: [{name: a}]\n"])
def test_a_file_with_little_in_it(tmp_path, content):
    path = tmp_path / "config"
    path.write_text(content)
    assert Files((path,)).load().current_context == ""


FOREIGN = """\
kind: Config
apiVersion: v1
x-mine: {deep: [1, 0x10, 010, 1.50, 1e3, yes, ~, 2026-01-02, 2026-01-02T03:04:05Z, "true", '1', 12:30]}
users:
- user:
    token: 0123
    exec:
      command: login
      args: [--port, 8443, -v]
      env: null
  name: me
  x-entry: kept
- name: multi
  user: {token: "a: b #c", password: "line\\nbreak", note: "é…", empty: ""}
contexts:
- {name: c, x-item: 7, context: {cluster: c, user: me, namespace: ns, extensions: [{name: e, extension: {a: 1}}]}}
clusters:
- {name: c, cluster: {server: https://h, x-unknown: [a]}}
current-context: c
"""


def test_what_is_not_understood_stays(tmp_path):
    path = tmp_path / "config"
    path.write_text(FOREIGN)
    new = cluster("new", tmp_path, server="https://new")
    Files((path,)).change(lambda now: Change(clusters=[new], current_context="d"))
    before, after = yaml.compose(FOREIGN), yaml.compose(path.read_text())
    expected = yaml.safe_load(FOREIGN)
    expected["clusters"].append({"name": "new", "cluster": {"server": "https://new"}})
    expected["current-context"] = "d"
    assert parsed(path) == expected
    assert list(parsed(path)) == list(expected)
    assert scalars(before) - scalars(after) == {("tag:yaml.org,2002:str", "c", "current")}
    assert "token: 0123\n" in path.read_text()


def scalars(node, key=""):
    """Every scalar with its tag, by its text; truth and nothing have one spelling each."""
    if isinstance(node, yaml.ScalarNode):
        kind = node.tag.rpartition(":")[2]
        return {(node.tag, {"bool": "true", "null": ""}.get(kind, node.value), key)}
    if isinstance(node, yaml.SequenceNode):
        return set().union(*(scalars(item) for item in node.value))
    found = set()
    for name, value in node.value:
        found |= scalars(value, "current" if name.value == "current-context" else "")
    return found


def test_an_entry_changes_where_it_is_and_a_new_one_goes_to_the_first_file(tmp_path):
    one = written(tmp_path / "one", clusters=["a"])
    two = written(tmp_path / "two", clusters=["b"], contexts=["b"], current="b")
    three = written(tmp_path / "three", clusters=["c"])
    untouched = three.stat()
    files = Files((tmp_path / "missing", one, two, three))
    files.change(
        lambda now: Change(
            clusters=[cluster("b", tmp_path, server="changed"), cluster("new", tmp_path, server="new")],
            current_context="new",
        )
    )
    assert parsed(two)["clusters"] == [{"name": "b", "cluster": {"server": "changed"}}]
    assert [each["name"] for each in parsed(one)["clusters"]] == ["a", "new"]
    assert (parsed(one)["current-context"], parsed(two)["current-context"]) == ("new", "b")
    assert files.load().current_context == "new"
    assert three.stat() == untouched
    assert not (tmp_path / "missing").exists()


def test_a_change_that_changes_nothing_writes_nothing(tmp_path):
    path = written(tmp_path / "config", clusters=["a"], contexts=["a"], current="a")
    before = path.stat()
    Files((path,)).change(
        lambda now: Change(clusters=[now.cluster("a")], contexts=[now.context("a")], current_context="a")
    )
    assert path.stat() == before


def test_a_new_file_is_its_owners_alone(tmp_path):
    path = tmp_path / "home" / ".kube" / "config"
    locate("", {"HOME": str(tmp_path / "home")}).change(
        lambda now: Change(clusters=[cluster("a", tmp_path, server="x")], current_context="a")
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert parsed(path)["current-context"] == "a"
    assert parsed(path)["kind"] == "Config"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_mode_and_link_are_kept(tmp_path, mode):
    real = written(tmp_path / "real" / "config", clusters=["a"])
    real.chmod(mode)
    link = tmp_path / "link"
    link.symlink_to(real)
    Files((link,)).change(lambda now: Change(current_context="a"))
    assert link.is_symlink()
    assert parsed(real)["current-context"] == "a"
    assert stat.S_IMODE(real.stat().st_mode) == mode
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["config", "link", "real"]


def test_a_copy_in_another_directory_leads_to_the_same_files(tmp_path):
    one = written(tmp_path / "one" / "config", clusters=["a"])
    two = written(tmp_path / "two" / "config")
    two.write_text("clusters: [{name: b, cluster: {certificate-authority: pki/ca.crt}}]\n")
    files = Files((one, two))
    files.change(lambda now: Change(clusters=[Entry("copy", now.cluster("b").values, now.cluster("b").directory)]))
    assert parsed(one)["clusters"][1]["cluster"] == {"certificate-authority": str(tmp_path / "two" / "pki" / "ca.crt")}
    files.change(lambda now: Change(clusters=[now.cluster("b")]))
    assert parsed(two)["clusters"][0]["cluster"] == {"certificate-authority": "pki/ca.crt"}
    assert files.load().cluster("b").path("certificate-authority") == str(tmp_path / "two" / "pki" / "ca.crt")


def test_a_refused_change_leaves_nothing_behind(tmp_path):
    path = written(tmp_path / "config", clusters=["a"])
    before = path.read_bytes()

    def refuse(now):
        assert (tmp_path / "config.lock").exists()
        raise CommandError("no")

    with pytest.raises(CommandError, match="no"):
        Files((path,)).change(refuse)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["config"]


def test_a_file_that_contains_itself_is_not_written(tmp_path):
    path = tmp_path / "config"
    path.write_text("x: &x {y: *x}\n")
    with pytest.raises(CommandError, match="something in it contains itself"):
        Files((path,)).change(lambda now: Change(current_context="a"))
    assert path.read_text() == "x: &x {y: *x}\n"


def test_a_lock_of_another_program_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(kubeconfig, "LOCK_PATIENCE", 0.1)
    path = written(tmp_path / "config", clusters=["a"])
    (tmp_path / "config.lock").touch()
    with pytest.raises(CommandError, match=r"config is locked by another program; delete .*config\.lock"):
        Files((path,)).change(lambda now: Change(current_context="a"))
    assert (tmp_path / "config.lock").exists()


WRITER = """
import sys
from pathlib import Path
from manifold.cli.workspaces.kubeconfig import Change, Entry, Files
for number in range(10):
    name = f"{sys.argv[2]}-{number}"
    Files((Path(sys.argv[1]),)).change(lambda now: Change(clusters=[Entry(name, {"server": name}, Path("/"))]))
"""


def test_writers_at_the_same_time_lose_nothing(tmp_path):
    path = written(tmp_path / "config")
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(number)]) for number in range(4)]
    give_up = time.monotonic() + 60
    while any(writer.poll() is None for writer in writers):
        assert time.monotonic() < give_up
        parsed(path)  # it is whole at every moment
    assert [writer.returncode for writer in writers] == [0] * 4
    assert {each["name"] for each in parsed(path)["clusters"]} == {f"{a}-{b}" for a in range(4) for b in range(10)}
    assert os.listdir(tmp_path) == ["config"]
