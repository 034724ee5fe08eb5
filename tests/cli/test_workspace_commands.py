"""Terminal sessions: kubectl with the plugins against a running server, as section 7 of the tenancy reference has it.

Each session is a table of steps in one new workspace of type organization: a command line, its exit code, and what it
writes. `{w}` stands for the path of the workspace, `{n}` for its name, `{url}` for the server.
"""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support.server import kubectl

NOTE = (
    "Note: Using 'root:' to define an absolute path is no longer supported. "
    "Instead, use ':root' to specify an absolute path.\n"
)
HOME_NOTE = (
    "Note: 'kubectl ws' now matches 'cd' semantics: go to home workspace. 'kubectl ws -' to go back. "
    "'kubectl ws .' to print current workspace.\n"
)
DEPRECATED = (
    "Command \"create\" is deprecated, install the 'kubectl create workspace' plugin instead, "
    "compare https://docs.kcp.io/kcp/latest/setup/kubectl-plugin/.\n"
)
UNKNOWN = "Error: the server could not find the requested resource\n"


def now(path, kind=""):
    return f"Current workspace is '{path}'{f' (type {kind})' if kind else ''}.\n"


def made(name, kind="root:universal", what="created. Waiting for it to be ready..."):
    return f'Workspace "{name}" (type {kind}) {what}\nWorkspace "{name}" (type {kind}) is ready to use.\n'


SESSIONS = {
    "places": [
        ("ws .", 0, now("{w}"), ""),
        ("ws current", 0, now("{w}"), ""),
        ("ws current --short", 0, "{w}\n", ""),
        ("ws create one", 0, made("one"), DEPRECATED),
        ("ws create one", 1, "", DEPRECATED + 'Error: workspaces.tenancy.kcp.io "one" already exists\n'),
        ("ws create one --ignore-existing", 0, made("one", what="already exists."), DEPRECATED),
        ("ws create two --enter", 0, made("two") + now("{w}:two", "root:universal"), DEPRECATED),
        ("ws .", 0, now("{w}:two"), ""),
        ("ws ..", 0, now("{w}", "root:organization"), ""),
        ("ws -", 0, now("{w}:two"), ""),
        ("ws -", 0, now("{w}"), ""),
        ("ws :{w}:two", 0, now("{w}:two", "root:universal"), ""),
        ("ws ..:one", 0, now("{w}:one", "root:universal"), ""),
        ("ws ..:..", 0, now("root", "root"), ""),
        ("ws {n}/two", 0, now("{w}:two", "root:universal"), ""),
        ("ws up", 0, now("{w}", "root:organization"), ""),
        ("ws use two", 0, now("{w}:two", "root:universal"), ""),
        ("ws cd ..", 0, now("{w}", "root:organization"), ""),
        ("ws enter one --short", 0, "{w}:one\n", ""),
        ("ws :", 0, now("root", "root"), ""),
        ("ws ..", 1, "", "Error: cannot go up from root\n"),
        ("ws root", 0, now("root", "root"), NOTE),
        ("ws {w}", 0, now("{w}", "root:organization"), NOTE),
        ("ws {w}:absent", 1, "", NOTE + UNKNOWN),
        ("ws absent", 1, "", UNKNOWN),
        ("ws Upper", 1, "", "Error: invalid workspace path: Upper\n"),
        ("ws .", 0, now("{w}"), ""),
    ],
    "creating": [
        ("create workspace a", 0, made("a"), ""),
        ("create workspace a", 1, "", 'Error: workspaces.tenancy.kcp.io "a" already exists\n'),
        ("create workspace b --type root:universal", 0, made("b"), ""),
        ("create workspace c --type Team", 0, made("c", "root:team"), ""),
        ("create workspace d --type=:root:universal --enter", 0, made("d") + now("{w}:d", "root:universal"), ""),
        ("create workspace e -w ..", 0, made("e"), ""),
        ("create workspace e -w :{w} --ignore-existing", 0, made("e", what="already exists."), ""),
        ("create workspace f -w :{w}:e --enter", 0, made("f") + now("{w}:e:f", "root:universal"), ""),
        (
            "create workspace e -w :{w} --ignore-existing --type root:team", 1, "",
            'Error: workspace "e" cannot be created with type root:team, it already exists with different '
            "type root:universal\n",
        ),
        (
            "create workspace e --ignore-existing --type universal", 1, "",
            "Error: --ignore-existing must not be used with non-absolute type path\n",
        ),
        (
            "create workspace bad --type nope", 1, "",
            'Error: workspaces.tenancy.kcp.io "bad" is forbidden: workspace type "nope" cannot be resolved\n',
        ),
        ("create workspace g --location-selector name=root", 0, made("g"), ""),
        (
            "create workspace h --location-selector name,,", 1, "",
            'Error: invalid argument "name,," for "--location-selector" flag: ',
        ),
        ("create workspace", 1, "", "Error: the name of the workspace to create is missing\n"),
        ("create workspace a b", 1, "", "Error: accepts at most 1 arg(s), received 2\n"),
        ("create workspace a --full", 1, "", "Error: unknown flag: --full\n"),
        (
            "create workspace Bad_Name", 1, "",
            'Error: Workspace.tenancy.kcp.io "Bad_Name" is invalid: [metadata.name: Invalid value: "Bad_Name": ',
        ),
    ],
    "contexts": [
        ("ws create-context", 0, 'Created context "{w}" and switched to it.\n', ""),
        (
            "ws create-context", 1, "",
            'Error: context "{w}" already exists in kubeconfig, use --overwrite to update it\n',
        ),
        ("ws create-context --overwrite", 0, 'Updated context "{w}" and switched to it.\n', ""),
        ("ws create-context mine --overwrite", 0, 'Created context "mine" and switched to it.\n', ""),
        ("config current-context", 0, "mine\n", ""),
        ("create workspace a --create-context at-a", 0, made("a") + 'Created context "at-a".\n', ""),
        ("config current-context", 0, "mine\n", ""),
        (
            "create workspace b --create-context at-a", 1, "",
            'Error: context "at-a" already exists in kubeconfig, use --ignore-existing to update it\n',
        ),
        ("get workspaces -o name", 0, "workspace.tenancy.kcp.io/a\n", ""),
        (
            "create workspace b --create-context at-b --enter", 0,
            made("b") + now("{w}:b", "root:universal") + 'Created context "at-b" and switched to it.\n', "",
        ),
        ("config current-context", 0, "at-b\n", ""),
        ("ws .", 0, now("{w}:b"), ""),
        ("ws . --context at-a", 0, now("{w}:a"), ""),
        ("ws c --context base", 1, "", 'Error: current config context URL "{url}" does not point to workspace\n'),
        ("ws . --context base", 0, 'Current workspace is the URL "{url}".\n', ""),
        ("ws . --context base --short", 0, "", ""),
        ("ws :{w}:a --context base", 0, now("{w}:a", "root:universal"), ""),
        ("ws -", 0, 'Current workspace is the URL "{url}".\n', ""),
        ("ws . --context nope", 1, "", 'Error: context "nope" does not exist\n'),
    ],
    "tree": [
        ("ws tree", 0, ".\n└── {n}\n\n", ""),
        ("create workspace a", 0, made("a"), ""),
        ("create workspace b -w a", 0, made("b"), ""),
        ("create workspace c -w a", 0, made("c"), ""),
        ("create workspace d -w a:b", 0, made("d"), ""),
        ("create workspace e", 0, made("e"), ""),
        (
            "ws tree", 0,
            ".\n└── {n}\n    ├── a\n    │   ├── b\n    │   │   └── d\n    │   └── c\n    └── e\n\n", "",
        ),
        (
            "ws tree -f -w a", 0,
            ".\n└── {w}:a\n    ├── {w}:a:b\n    │   └── {w}:a:b:d\n    └── {w}:a:c\n\n", "",
        ),
        ("ws tree --depth 1", 0, ".\n└── {n}\n    ├── a (+2)\n    └── e\n\n", ""),
        ("ws tree --depth 1 --limit 1", 0, ".\n└── {n}\n    ├── a (+2)\n    └── ... 1 more\n\n", ""),
        (
            "ws tree --wide -w a:b", 0,
            ".\n└── b  ws=Ready  lc=Ready\n    └── d  ws=Ready  lc=Ready\n\n", "",
        ),
        ("ws tree -w absent", 1, "", 'Error: workspaces.tenancy.kcp.io "{w}:absent" not found\n'),
        ("ws list -o name", 0, "workspace.tenancy.kcp.io/a\nworkspace.tenancy.kcp.io/e\n", ""),
        ("ws ls -o name -w e", 0, "", ""),
        ("ws list -w e", 0, "", "No resources found\n"),
        ("ws list -o nope", 1, "", "Error: unable to match a printer suitable for the output format "),
    ],
    "refusals": [
        ("ws -", 1, "", "Error: no previous workspace found in kubeconfig\n"),
        ("ws a b", 1, "", "Error: accepts at most 1 arg(s), received 2\n"),
        ("ws --nope", 1, "", "Error: unknown flag: --nope\n"),
        ("ws tree --overwrite", 1, "", "Error: unknown flag: --overwrite\n"),
        ("ws -i", 1, "", "Error: the interactive browser needs a terminal; use tree, or list\n"),
        ("ws -- tree", 1, "", UNKNOWN),
        ("ws :{w} --context=alice", 1, "", 'Error: access to workspace "{w}" denied\n'),
        ("ws :{w}:x --context=alice", 1, "", 'Error: access to workspace "{w}:x" denied\n'),
        ("ws ~ --token=wrong", 1, "", "Error: "),
        ("ws :root --token=wrong", 1, "", "Error: the server has asked for the client to provide credentials\n"),
    ],
}  # fmt: skip


@pytest.fixture
def organization(server, tmp_path):
    created = server.create_workspace(type="organization", directory=tmp_path)
    yield created
    created.delete()


def run(line, kubeconfig, **options):
    return kubectl(*shlex.split(line.replace(" ~", " '~'")), kubeconfig=kubeconfig, check=False, **options)


@pytest.mark.parametrize("name", SESSIONS)
def test_session(organization, name):
    told = {"{w}": organization.path, "{n}": organization.name, "{url}": organization.server.url}

    def filled(text):
        for placeholder, value in told.items():
            text = text.replace(placeholder, value)
        return text

    for line, code, out, errors in SESSIONS[name]:
        done = run(filled(line), organization.kubeconfig)
        wanted = filled(errors)
        seen = done.stderr if wanted.endswith("\n") else done.stderr[: len(wanted)]
        assert (line, done.returncode, done.stdout, seen) == (line, code, filled(out), wanted), done.stderr
        assert "Traceback" not in done.stderr


def test_home_is_what_the_server_says_it_is(organization):
    """Without an argument one goes home; what the server answers to that is the user's answer."""
    done = run("ws", organization.kubeconfig)
    assert done.stderr.startswith(HOME_NOTE)
    status, home = organization.server.request("GET", "/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspaces/~")
    if status == 200:
        path = home["spec"]["URL"].partition("/clusters/")[2]
        assert (done.returncode, done.stdout) == (0, now(path))
    else:
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{HOME_NOTE}Error: {home['message']}\n")
        assert run("ws --short", organization.kubeconfig).stderr == f"Error: {home['message']}\n"


def test_list_is_what_kubectl_shows(organization):
    for name in ("a", "longer-name"):
        run(f"create workspace {name}", organization.kubeconfig)

    def rows(text):
        # Ages go on between the two commands.
        return [line.split()[:-1] for line in text.splitlines()]

    shown = run("get workspaces", organization.kubeconfig).stdout
    assert rows(run("ws list", organization.kubeconfig).stdout) == rows(shown)
    listed = json.loads(run("ws list -o json", organization.kubeconfig).stdout)
    assert [item["metadata"]["name"] for item in listed["items"]] == ["a", "longer-name"]
    empty = json.loads(run("ws list -o json -w a", organization.kubeconfig).stdout)
    assert empty["items"] == []


def test_only_what_is_entered_changes_in_the_kubeconfig(organization):
    before = yaml.safe_load(organization.kubeconfig.read_text())
    run("ws ..", organization.kubeconfig)
    after = yaml.safe_load(organization.kubeconfig.read_text())
    assert after["current-context"] == "workspace.kcp.io/current"
    new = {
        "clusters": [{
            "name": "workspace.kcp.io/current",
            "cluster": {**before["clusters"][1]["cluster"], "server": f"{organization.server.url}/clusters/root"},
        }],
        "contexts": [
            {"name": "workspace.kcp.io/previous", "context": {"cluster": "root", "user": "kcp-admin"}},
            {
                "name": "workspace.kcp.io/current",
                "context": {"cluster": "workspace.kcp.io/current", "user": "kcp-admin"},
            },
        ],
    }  # fmt: skip
    assert before["clusters"][1]["name"] == "root"
    assert after == {
        **before,
        **{kind: before[kind] + new[kind] for kind in new},
        "current-context": after["current-context"],
    }
    assert organization.kubeconfig.stat().st_mode & 0o777 == 0o600


def test_deleting_workspaces_are_not_in_the_tree(organization):
    run("create workspace going", organization.kubeconfig)
    run("create workspace staying", organization.kubeconfig)
    patch = [{"op": "add", "path": "/metadata/finalizers/-", "value": "e2e.test/held"}]
    held = run(f"patch workspace going --type json -p '{json.dumps(patch)}'", organization.kubeconfig)
    assert held.returncode == 0, held.stderr
    run("delete workspace going --wait=false", organization.kubeconfig)
    assert run("get workspaces -o name", organization.kubeconfig).stdout.count("\n") == 2
    assert run("ws tree", organization.kubeconfig).stdout == f".\n└── {organization.name}\n    └── staying\n\n"
    released = run(
        """patch workspace going --type merge -p '{"metadata":{"finalizers":null}}'""", organization.kubeconfig
    )
    assert released.returncode == 0, released.stderr


def test_what_one_may_not_see_is_marked_in_the_tree(organization):
    """Whoever may list workspaces sees those that are not for them."""
    run("create workspace closed", organization.kubeconfig)
    for line in (
        "create clusterrole reader --verb=list,get --resource=workspaces.tenancy.kcp.io",
        "create clusterrolebinding reader --clusterrole=reader --user=bob",
        "create clusterrolebinding entering --clusterrole=system:kcp:workspace:access --user=bob",
    ):
        done = run(line, organization.kubeconfig)
        assert done.returncode == 0, done.stderr
    done = run("ws tree --context bob", organization.kubeconfig)
    assert done.stdout == f".\n└── {organization.name}\n    └── closed (no access)\n\n", done.stderr


def test_a_tree_of_several_pages_begins_at_once_and_is_complete(organization, monkeypatch):
    """The pages are smaller here than in life, so that few workspaces are several of them."""
    names = [f"w{number:02}" for number in range(11)]
    for name in names:
        organization.server.create_workspace(name, parent=organization.path, directory=organization.directory)
    organization.server.create_workspace("below", parent=f"{organization.path}:w03", directory=organization.directory)
    script = (
        "import sys; from manifold.cli.workspaces import session, tree; session.PAGE = tree.PAGE = 3; tree.AHEAD = 2; "
        "from manifold.cli.plugins import ws; sys.exit(ws())"
    )
    environment = {"KUBECONFIG": str(organization.kubeconfig), "HOME": str(organization.directory)}

    def run_small(*arguments):
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    drawn = [line[8:] for line in run_small("tree").splitlines()[2:-1]]
    assert drawn == [*names[:4], "└── below", *names[4:]]
    assert run_small("tree", "--limit", "2").splitlines()[-2] == "    └── ... 9 more"
    assert run_small("list", "-o", "name").split() == [f"workspace.tenancy.kcp.io/{name}" for name in names]
    assert len(json.loads(run_small("list", "-o", "json"))["items"]) == 11
    first, *rows = run_small("list").splitlines()
    assert first.startswith("NAME")
    assert [row.split()[0] for row in rows] == names


def test_a_reader_that_has_read_enough_is_no_failure_to_tell(organization):
    done = subprocess.run(
        f"{Path(sys.executable).parent / 'kubectl-ws'} tree | true", shell=True, capture_output=True, text=True,
        env={"KUBECONFIG": str(organization.kubeconfig), "PATH": "/usr/bin:/bin"}, check=False,
    )  # fmt: skip
    assert done.stderr == ""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_tree_is_utf_8_whatever_the_locale_says(organization, encoding):
    run("create workspace a", organization.kubeconfig)
    done = run("ws tree", organization.kubeconfig, environment={"PYTHONIOENCODING": encoding})
    assert (done.returncode, done.stdout) == (0, f".\n└── {organization.name}\n    └── a\n\n")


def test_several_files(organization, tmp_path):
    """The entry stays in its file; what is new and the current context go to the first file that exists."""
    mine = tmp_path / "mine"
    mine.write_text("{}")
    listed = {"KUBECONFIG": f"{tmp_path / 'absent'}:{mine}:{organization.kubeconfig}"}
    before = organization.kubeconfig.read_bytes()
    done = run("ws ..", mine, environment=listed)
    assert (done.returncode, done.stdout) == (0, now("root", "root"))
    assert organization.kubeconfig.read_bytes() == before
    assert yaml.safe_load(mine.read_text())["current-context"] == "workspace.kcp.io/current"
    assert run("ws -", mine, environment=listed).stdout == now(organization.path)
    assert run("config current-context", mine, environment=listed).stdout == "workspace.kcp.io/current\n"


@pytest.mark.parametrize(
    ("line", "beginning"),
    [
        ("ws --help", "Enter, show and keep workspaces.\n\nUsage:\n  kubectl ws ["),
        ("ws help", "Enter, show and keep workspaces.\n"),
        ("ws tree -h", "Print the tree of workspaces below the current one.\n\nUsage:\n  kubectl ws tree [flags]\n"),
        ("ws help tree", "Print the tree of workspaces below the current one.\n"),
        ("create workspace --help", "Create a workspace.\n\nUsage:\n  kubectl create workspace NAME [flags]\n"),
        ("ws --version", "kubectl ws 0."),
    ],
)
def test_help_needs_no_server(tmp_path, line, beginning):
    done = kubectl(*line.split(), kubeconfig=tmp_path / "absent")
    assert done.stdout.startswith(beginning)
    assert done.stderr == ""


def test_no_kubeconfig(tmp_path):
    done = run("ws .", tmp_path / "absent")
    assert (done.returncode, done.stderr.startswith("Error: no current context is set")) == (1, True)


def test_the_same_by_the_manifold_command(organization):
    program = [sys.executable, "-m", "manifold.cli.main"]
    environment = {"KUBECONFIG": str(organization.kubeconfig), "HOME": str(organization.directory)}

    def run_manifold(*arguments):
        done = subprocess.run([*program, *arguments], env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    assert run_manifold("create", "workspace", "tree", "--enter") == (
        0, made("tree") + now(f"{organization.path}:tree", "root:universal"), "",
    )  # fmt: skip
    assert run_manifold("ws", "..") == (0, now(organization.path, "root:organization"), "")
    assert run_manifold("ws", "--", "tree") == (0, now(f"{organization.path}:tree", "root:universal"), "")
    assert run_manifold("ws", "-") == (0, now(organization.path), "")
    assert run_manifold("ws", "--nope") == (1, "", "Error: unknown flag: --nope\n")
    assert run_manifold("ws", "--help")[1].startswith("Enter, show and keep workspaces.\n\nUsage:\n  manifold ws [")
