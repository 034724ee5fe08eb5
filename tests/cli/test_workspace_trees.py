"""Trees of more children than a server counts: exact numbers, all of it for programs, a part of it at a terminal."""

import contextlib
import json
import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from support.server import kubectl, running_server

CHILDREN = 1_207
WORKSPACES = "/apis/tenancy.kcp.io/v1alpha1/workspaces"


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """A workspace of a server of its own with a child `crowd` that has many children, and one that has none."""
    directory = tmp_path_factory.mktemp("crowded")
    with running_server(directory) as server:
        workspace = server.create_workspace(directory=directory)
        server.create_workspace("alone", parent=workspace.path, directory=directory)
        server.create_workspace("crowd", parent=workspace.path, directory=directory)
        headers = {"Authorization": f"Bearer {server.token()}", "Content-Type": "application/json"}
        with contextlib.closing(server.connection()) as connection:
            for number in range(CHILDREN):
                body = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace"}
                body["metadata"] = {"name": f"c{number:05}"}
                path = f"/clusters/{workspace.path}:crowd{WORKSPACES}"
                connection.request("POST", path, json.dumps(body), headers)
                answer = connection.getresponse()
                assert answer.status == 201, answer.read()
                answer.read()
        yield workspace


def run(line, workspace):
    return kubectl(*shlex.split(line), kubeconfig=workspace.kubeconfig).stdout


def at_terminals(line, workspace, **streams):
    """What a command writes to stdout and stderr, each of which may be a terminal."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(workspace.directory),
        "KUBECONFIG": str(workspace.kubeconfig),
    }
    terminal, side = pty.openpty()
    given = dict.fromkeys(streams, side) | dict.fromkeys({"stdout", "stderr"} - set(streams), subprocess.PIPE)
    with subprocess.Popen(["kubectl", *shlex.split(line)], env=environment, **given) as process:
        os.close(side)
        seen = b""
        while True:  # a terminal that nobody reads stops who writes to it
            try:
                piece = os.read(terminal, 65_536)
            except OSError:
                break
            if not piece:
                break
            seen += piece
        piped = process.communicate(timeout=60)
    os.close(terminal)
    assert process.returncode == 0
    return seen.decode(), (piped[0] or piped[1] or b"").decode()


def test_what_is_deeper_is_counted(crowded):
    assert run("ws tree --depth 1", crowded).splitlines()[2:4] == ["    ├── alone", f"    └── crowd (+{CHILDREN})"]


def test_the_rest_is_counted(crowded):
    lines = run("ws tree --limit 3 -w crowd", crowded).splitlines()
    assert lines == [
        ".",
        "└── crowd",
        "    ├── c00000",
        "    ├── c00001",
        "    ├── c00002",
        f"    └── ... {CHILDREN - 3} more",
        "",
    ]


def test_a_program_reads_all_of_it(crowded):
    children = [f"    {'└' if number == CHILDREN - 1 else '├'}── c{number:05}" for number in range(CHILDREN)]
    whole = [".", "└── crowd", *children, ""]
    assert run("ws tree -w crowd", crowded).splitlines() == whole
    progress, piped = at_terminals("ws tree -w crowd", crowded, stderr=True)
    assert piped.splitlines() == whole
    # How far it is is written over itself, and wiped away at the end.
    assert re.fullmatch(r"(\r\d+ workspaces)*\r\x1b\[K", progress), progress


def test_at_a_terminal_a_part_is_shown(crowded):
    seen, _ = at_terminals("ws tree -w crowd", crowded, stdout=True, stderr=True)
    lines = seen.replace("\r\n", "\n").splitlines()
    assert lines[:3] == [".", "└── crowd", "    ├── c00000"]
    assert lines[101:] == ["    ├── c00099", f"    └── ... {CHILDREN - 100} more", ""]
    seen, _ = at_terminals("ws tree -w crowd --limit 0", crowded, stdout=True, stderr=True)
    assert len(seen.splitlines()) == CHILDREN + 3
