"""Recorded terminal sessions of kcp's plugins, typed again: the same outputs, or a difference that the documents name.

Needs the environment variable MANIFOLD_SHARED, which names the folder of recordings. The session was recorded on a
server with leftovers of other sessions, and with names that are replaced by placeholders such as `<cluster-x1>`.
"""

import os
import re
import shlex
from pathlib import Path

import pytest
import yaml
from support.server import kubectl, running_server

RECORDING = Path(os.environ["MANIFOLD_SHARED"]) / "reference" / "wire" / "kcp-kubectl.yaml"
DOCUMENT = Path(__file__).parents[2] / "docs" / "compatibility.md"
_ANYTHING = re.compile(
    r"<(?:cluster|uid|sha256)-\w+>|<host>|<time>|\brv\d+|(?<=Resource Version:  )\d+"
    r"|(?<=kcp\.io-)[a-z0-9]{5}\b|\b\d+(?:ms|s|m\d+s|m)(?=\s|$)"
)


def pattern(text):
    """A regular expression for what was recorded: placeholders, ages and generated names stand for any word."""
    parts, end = [], 0
    for found in _ANYTHING.finditer(text):
        parts += [re.escape(text[end : found.start()]), r"\S+"]
        end = found.end()
    whole = "".join([*parts, re.escape(text[end:])])
    return re.sub(r"(?:\\ )+", r" +", whole)


def same(recorded, printed):
    return re.fullmatch(pattern(recorded), printed) is not None


def played(server, directory):
    """Type what was recorded, in order; the commands whose exit code, stdout or stderr differ, with what they wrote."""
    kubeconfig = directory / "kubeconfig"
    kubeconfig.write_text(server.kubeconfig.read_text())
    differing = {}
    with RECORDING.open() as stream:
        exchanges = yaml.load(stream, Loader=yaml.CSafeLoader)["exchanges"]
    for one in exchanges:
        done = kubectl(
            *shlex.split(one["command"].replace(" ~", " '~'"))[1:], kubeconfig=kubeconfig, input=one.get("stdin"),
            check=False, directory=directory, environment={"HOME": str(directory)},
        )  # fmt: skip
        if "crd snapshot" in one["command"] and "--help" not in one["command"]:
            (directory / "ars.yaml").write_text(done.stdout)
        alike = done.returncode == one["exit"]
        alike = alike and same(one["stdout"], done.stdout) and same(one["stderr"], done.stderr)
        if not alike:
            differing.setdefault(one["command"], f"exit {done.returncode}\n{done.stdout}{done.stderr}")
    return differing


def test_sessions_are_as_recorded_but_for_what_the_documents_name(tmp_path):
    section = DOCUMENT.read_text().split("\n### Terminal sessions\n")[1].split("\n### ")[0]
    named = {command for row in re.findall(r"^\| (`.+`) \|", section, re.M) for command in re.findall("`([^`]+)`", row)}
    with running_server(tmp_path / "server") as server:
        differing = played(server, tmp_path)
    unnamed = {command: text for command, text in differing.items() if command not in named}
    assert not unnamed, "\n".join(f"$ {command}\n{text}" for command, text in unnamed.items())
    assert named == set(differing)


@pytest.mark.parametrize(
    ("recorded", "printed", "is_same"),
    [
        ("Current workspace is '<cluster-x1>'.\n", "Current workspace is '2abc'.\n", True),
        ("NAME   AGE\na      5s\n", "NAME   AGE\na      0s\n", True),
        ("tenancy.kcp.io-3xfev   5s\n", "tenancy.kcp.io-abcde   1s\n", True),
        ("a created\n", "b created\n", False),
    ],
)
def test_what_counts_as_the_same(recorded, printed, is_same):
    assert same(recorded, printed) is is_same
