"""What Tab offers: the answers behind `manifold` and `kubectl ws`, and what a real bash makes of them."""

import subprocess
import sys
from pathlib import Path

import pytest
from bash_terminal import Bash, environment
from tab import offered

from manifold.cli.completion.scripts import SCRIPTS
from manifold.cli.workspaces.command import COMMANDS

BIN = Path(sys.executable).parent
TYPES = "/apis/tenancy.kcp.io/v1alpha1/workspacetypes"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
COMMAND_NAMES = [each.name for each in COMMANDS if not each.hidden]


@pytest.fixture(scope="module")
def world(server, tmp_path_factory):
    """A workspace with two others in it, one of which has a third that alice may enter, and a type of its own."""
    directory = tmp_path_factory.mktemp("completion")
    top = server.create_workspace(type="organization", directory=directory)
    for parent, name in ((top.path, "astronomy"), (top.path, "atlas"), (f"{top.path}:atlas", "inner")):
        server.create_workspace(name, parent=parent, directory=directory)
    kind = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "WorkspaceType", "metadata": {"name": "observatory"}}
    assert top.request("POST", TYPES, kind)[0] == 201
    access = {"apiGroup": RBAC.split("/")[2], "kind": "ClusterRole", "name": "system:kcp:workspace:access"}
    alice = {"apiGroup": RBAC.split("/")[2], "kind": "User", "name": "alice"}
    binding = {"metadata": {"name": "alice"}, "roleRef": access, "subjects": [alice]}
    inner = f"/clusters/{top.path}:atlas:inner{RBAC}/clusterrolebindings"
    assert server.request("POST", inner, binding)[0] == 201
    yield top
    top.delete()


ANSWERS = [
    ("bi", ["bind"], 4),
    ("bind ", ["apiexport"], 4),
    ("bind apiexport --accept", ["--accept-all-permission-claims", "--accept-permission-claim"], 4),
    ("claims ", ["get", "accept", "reject", "all", "diff"], 4),
    ("claims get ", ["apibinding"], 4),
    ("claims all -w at", ["atlas"], 6),
    ("claims nothing ", [], 4),
    ("provider init --ki", ["--kind"], 4),
    ("crd snapshot -f ", [], 0),
    ("apis --context ma", ["master"], 4),
    ("ws ", [*COMMAND_NAMES, "astronomy", "atlas"], 6),
    ("ws tr", ["tree"], 6),
    ("ws a", ["astronomy", "atlas"], 6),
    ("ws use at", ["atlas"], 6),
    ("ws atlas:", ["atlas:inner"], 6),
    ("ws atlas/i", ["atlas/inner"], 6),
    ("ws :", [":root"], 6),
    ("ws :{w}:as", [":{w}:astronomy"], 6),
    ("ws root:{n}:as", ["root:{n}:astronomy"], 6),
    ("ws ..:{n}:at", ["..:{n}:atlas"], 6),
    ("ws .", [".", ".."], 6),
    ("ws -- tr", [], 6),
    ("ws -- as", ["astronomy"], 6),
    ("ws atlas ", [], 4),
    ("ws nowhere:", [], 6),
    ("ws help cu", ["current"], 4),
    ("ws current ", [], 4),
    ("ws current --sh", ["--short"], 4),
    ("ws --short cur", ["current"], 6),
    ("ws --short --sh", [], 4),
    ("ws --mi", ["--mine"], 4),
    ("ws use --mi", [], 4),
    ("ws --user alice a", ["atlas"], 6),
    ("ws --user alice atlas:", ["atlas:inner"], 6),
    ("ws --user bob a", [], 6),
    ("ws tree --de", ["--depth"], 4),
    ("ws tree --limit ", [], 4),
    ("ws tree --full=", ["true", "false"], 4),
    ("ws tree -w at", ["atlas"], 6),
    ("ws tree --workspace=at", ["atlas"], 6),
    ("ws list -o w", ["wide"], 4),
    ("ws --context ma", ["master"], 4),
    ("ws --context=ma", ["master"], 4),
    ("ws --context nothing a", [], 6),
    ("ws --user bo", ["bob"], 4),
    ("ws --kubeconfig ", [], 0),
    ("ws --unknown ", [], 4),
    ("ws --unknown=", [], 4),
    ("create ", ["workspace"], 4),
    ("create workspace ", [], 4),
    ("create workspace new --en", ["--enter"], 4),
    ("create workspace new --type o", ["observatory", "organization"], 4),
    ("create workspace new --type root:te", ["root:team"], 4),
    ("create workspace new -w atlas --type t", ["team"], 4),
    ("", ["apis", "bind", "claims", "completion", "crd", "create", "provider", "start", "ws"], 4),
    ("st", ["start"], 4),
    ("nothing ", [], 4),
    ("completion ", ["bash", "fish", "zsh"], 4),
    ("start ", ["options"], 4),
    ("start --secure", ["--secure-port"], 4),
    ("start --secure-port ", [], 4),
    ("start --secure-port 0 --shard-n", ["--shard-name"], 4),
    ("start --enable-home-workspaces=", ["true", "false"], 4),
    ("start --enable-home-workspaces opt", ["options"], 4),
    ("start --config ", [], 0),
    ("start --root-directory=", [], 0),
]


@pytest.mark.parametrize(("typed", "words", "directive"), ANSWERS, ids=[case[0] for case in ANSWERS])
def test_answers(world, typed, words, directive):
    names = {"w": world.path, "n": world.name}
    program = [str(BIN / "manifold"), "__complete", *typed.format(**names).split(" ")]
    assert offered(program, world.kubeconfig) == ([word.format(**names) for word in words], f":{directive}")


@pytest.mark.parametrize(
    ("typed", "words", "directive"),
    [
        ("ws a", ["astronomy", "atlas"], 6),
        ("ws :root:", None, 6),
        ("ws tree --de", ["--depth"], 4),
        ("ws create-context --ov", ["--overwrite"], 4),
        ("kcp ", ["bind", "claims", "crd", "workspace"], 4),
        ("kcp crd ", ["snapshot"], 4),
        ("kcp bind apiexport --accept-all", ["--accept-all-permission-claims"], 4),
        ("kcp bind apiexport :root:te", [":root:tenancy.kcp.io"], 4),
        ("kcp workspace tr", ["tree"], 6),
        ("kcp ws use at", ["atlas"], 6),
    ],
)
def test_kubectl_asks_the_plugin(world, typed, words, directive):
    found, told = offered(["kubectl", "__complete", *typed.split(" ")], world.kubeconfig)
    assert told == f":{directive}"
    assert found == words if words is not None else f":{world.path}" in found


def test_nothing_is_offered_where_nobody_can_be_asked(world, tmp_path):
    missing = tmp_path / "missing"
    program = [str(BIN / "kubectl_complete-ws")]
    assert offered([*program, "tr"], missing) == (["tree"], ":6")
    assert offered([*program, "a:"], missing) == ([], ":6")
    gone = tmp_path / "gone"
    gone.write_text(world.kubeconfig.read_text().replace(f":{world.server.port}/", ":1/"))
    done = subprocess.run([*program, "a"], env=environment(gone), capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (":6\n", "")


def test_bash(world):
    (world.directory / "settings.yaml").write_text("{}")
    bash = Bash(environment(world.kubeconfig), world.directory)
    try:
        bash.press("source <(manifold completion bash); echo rea''dy\n")
        bash.until("ready")
        assert bash.line("manifold ws ast\t") == "manifold ws astronomy"
        assert bash.line("manifold ws a\t") == "manifold ws a"
        bash.press("\x15manifold ws a\t\t")
        bash.until(r"astronomy\s+atlas")
        assert bash.line(f"manifold ws :{world.path}:at\t") == f"manifold ws :{world.path}:atlas"
        assert bash.line("manifold ws atlas:\t") == "manifold ws atlas:inner"
        assert bash.line("manifold ws atlas/\t") == "manifold ws atlas/inner"
        assert bash.line("manifold ws --context=mas\t") == "manifold ws --context=master "
        assert bash.line("manifold ws --context mas\t") == "manifold ws --context master "
        assert bash.line("manifold compl\t") == "manifold completion "
        assert (
            bash.line("manifold create workspace x --type root:tea\t")
            == "manifold create workspace x --type root:team "
        )
        assert bash.line("manifold start --config set\t") == "manifold start --config settings.yaml "
        assert bash.line("manifold start --secure-port set\t") == "manifold start --secure-port set"
        assert bash.line(f"{BIN}/manifold start --secure\t") == f"{BIN}/manifold start --secure-port "
    finally:
        bash.close()


@pytest.mark.parametrize("shell", SCRIPTS)
def test_scripts_are_printed(shell):
    done = subprocess.run([BIN / "manifold", "completion", shell], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (SCRIPTS[shell], "")
