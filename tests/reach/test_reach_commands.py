"""`ws --mine` and `ws types`, with the real kubectl, as somebody who was invited."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from reach_world import invite
from support.server import kubectl


def run(line, workspace, **options):
    return kubectl(*shlex.split(line), kubeconfig=workspace.kubeconfig, check=False, **options)


@pytest.fixture
def shop(workspace):
    """A workspace two levels below, which alice may enter."""
    server = workspace.server
    server.create_workspace("team", parent=workspace.path, directory=workspace.directory)
    made = server.create_workspace("shop", parent=f"{workspace.path}:team", directory=workspace.directory)
    invite(made, "alice")
    return made


def test_who_is_invited_by_url_enters_and_finds_it_again(workspace, shop):
    refused = run("ws tree --context alice", workspace)
    assert (refused.returncode, refused.stdout) == (1, "")
    found = run("ws --mine --context alice", workspace)
    assert (found.returncode, found.stderr) == (0, "")
    lines = [line.split() for line in found.stdout.splitlines()]
    assert lines[0] == ["PATH", "TYPE", "PHASE", "URL", "AGE"]
    (line,) = [line for line in lines if line[0].startswith(workspace.path)]
    assert line[:4] == [shop.path, "universal", "Ready", shop.url]
    paths = [line[0] for line in lines[1:]]
    assert paths == sorted(paths)

    entered = run(f"ws {line[3]} --context alice", workspace)
    assert (entered.returncode, entered.stdout) == (0, f"Current workspace is '{shop.path}'.\n")
    # From inside the question is the same, in each of its spellings.
    for command in ("ws --mine -o name", "ws list --mine -o name", "ws ls -o name --mine"):
        names = run(command, workspace).stdout.splitlines()
        assert [name for name in names if name.startswith(f":{workspace.path}")] == [f":{shop.path}"]
    (name,) = [name for name in names if name.startswith(f":{workspace.path}")]
    assert run(f"ws {name}", workspace).stdout == f"Current workspace is '{shop.path}'.\n"
    alone = subprocess.run(
        ["manifold", "ws", "--mine", "-o", "name", "--kubeconfig", workspace.kubeconfig],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert alone.stdout.splitlines() == names
    listed = json.loads(run("ws --mine -o json", workspace).stdout)
    assert shop.path in [one["spec"]["path"] for one in listed["items"]]


def test_types(workspace, shop):
    found = run("ws types", workspace)
    lines = [line.split() for line in found.stdout.splitlines()]
    assert lines[0] == ["TYPE", "PATH", "DEFAULT"]
    assert ["universal", "root", "true"] in lines
    names = run(f"ws types -o name -w :{shop.path}", workspace).stdout.split()
    assert "root:universal" in names
    assert run(f"create workspace made --type {names[-1]} -w :{shop.path}", workspace).returncode == 0
    refused = run(f"ws types -w :{shop.path} --context alice", workspace)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        'Error: workspaces.tenancy.kcp.io is forbidden: User "alice" cannot create resource "workspaces" in API group '
        '"tenancy.kcp.io" at the cluster scope: access denied\n'
    )


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("ws --mine a", "accepts at most 0 arg(s), received 1"),
        ("ws use --mine", "unknown flag: --mine"),
        ("ws tree --mine", "unknown flag: --mine"),
        ("ws types a", "accepts at most 0 arg(s), received 1"),
        ("ws --mine -o yaml", 'unable to match a printer suitable for the output format "yaml": use wide, name or'),
        ("ws --mine --token wrong", "Unauthorized"),
        (
            "ws --mine --user shard-admin --server {url}/else",
            "the server does not tell which workspaces one may enter; kcp, for one",
        ),
        (
            "ws types --user shard-admin --server {url}/else/clusters/root",
            "the server does not tell which types one may create; kcp",
        ),
    ],
)
def test_refusals(workspace, line, problem):
    done = run(line.format(url=workspace.server.url), workspace)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: {problem}"), done.stderr
