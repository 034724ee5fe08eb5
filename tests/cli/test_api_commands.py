"""Terminal sessions of `kubectl kcp`: a provider, a consumer, what they type and what they read.

`{p}` stands for the path of the provider's workspace, `{c}` for the consumer's. Each step is a command line run in the
consumer's workspace, its exit code, stdout, stderr.
"""

import json
import shlex
import subprocess
import sys

import pytest
from providing import APIS
from support.server import kubectl

from manifold.cli.apis.durations import seconds
from manifold.cli.apis.permission_claims import pairs, parsed, shown, with_answers
from manifold.cli.workspaces.failures import CommandError

HEADER = "APIBINDING   GROUP-RESOURCE   VERBS   STATUS\n"
FORMAT = (
    "error: fully qualified reference to workspace where APIExport exists is required. The format is "
    "`<logical-cluster-name>:<apiexport>` or `<full>:<path>:<to>:<apiexport>`\n"
)


def bound(name):
    return f"apibinding {name} created. Waiting to successfully bind ...\n{name} created and bound.\n"


SESSIONS = {
    "binding": [
        ("kcp bind apiexport {p}:plain", 0, bound("plain"), ""),
        (
            "kcp bind apiexport {p}:plain", 1, "",
            'error: failed to create APIBinding: apibindings.apis.kcp.io "plain" already exists\n',
        ),
        (
            "kcp bind apiexport {p}:nope", 1, "",
            'error: failed to create APIBinding: apibindings.apis.kcp.io "nope" is forbidden: unable to create '
            "APIBinding: no permission to bind to export {p}:nope\n",
        ),
        ("kcp bind apiexport :{p}:claiming --name other", 0, bound("other"), ""),
        (
            "kcp bind apiexport {p}:claiming --name second --timeout 0", 1,
            "apibinding second created. Waiting to successfully bind ...\n",
            "error: could not bind second: context deadline exceeded: ",
        ),
        ("get apibinding other -o jsonpath={{.spec.permissionClaims}}", 0, "", ""),
        ("kcp claims get apibinding", 0, HEADER, ""),
        ("kcp bind apiexport plain", 1, "", FORMAT),
        ("kcp bind apiexport", 1, "", FORMAT),
        ("kcp bind apiexport {p}:", 1, "", FORMAT),
        ("kcp bind apiexport Upper:a", 1, "", "error: invalid workspace path: Upper\n"),
        ("kcp bind apiexport a b", 1, "", "error: accepts at most 1 arg(s), received 2\n"),
        ("kcp bind other", 1, "", 'error: unknown command "other" for "kubectl kcp bind"\n'),
        ("kcp nope", 1, "", 'error: unknown command "nope" for "kubectl kcp"\n'),
        ("kcp bind apiexport {p}:a --timeout soon", 1, "", 'error: invalid argument "soon" for "--timeout" flag: '),
    ],
    "claims": [
        ("kcp bind apiexport {p}:claiming --name b", 0, bound("b"), ""),
        (
            "kcp claims diff", 1,
            "APIBINDING   CLAIM        DIFFERENCE\n"
            "b            configmaps   not answered\n"
            "b            secrets      not answered\n", "",
        ),
        (
            "kcp claims accept b --resource configmaps", 0,
            'claim "configmaps" on APIBinding "b" is accepted\n', "",
        ),
        ("kcp claims get apibinding b", 0, HEADER + "b            configmaps       get,list   Accepted\n", ""),
        ("kcp claims reject b --resource secrets.core", 0, 'claim "secrets" on APIBinding "b" is rejected\n', ""),
        ("kcp claims diff b", 0, "", ""),
        (
            "kcp claims all b", 0,
            "APIBINDING   GROUP-RESOURCE   VERBS      STATUS     DIFFERENCE\n"
            "b            configmaps       get,list   Accepted   -\n"
            "b            secrets          *          Rejected   -\n", "",
        ),
        (
            "kcp claims accept b --all", 0,
            'claim "configmaps" on APIBinding "b" is accepted\nclaim "secrets" on APIBinding "b" is accepted\n', "",
        ),
        (
            "get apibinding b -o jsonpath={{.spec.permissionClaims[1].selector}}", 0,
            '{{"matchLabels":{{"for":"it"}}}}', "",
        ),
        ("kcp claims accept b", 1, "", "error: say which claims: by --resource, by --identity-hash, or --all\n"),
        (
            "kcp claims accept b --resource a --all", 1, "",
            "error: --all cannot be used with --resource or --identity-hash\n",
        ),
        (
            "kcp claims accept b --resource a.example.com", 1, "",
            'error: the export of APIBinding "b" has no claim "a.example.com"\n',
        ),
        (
            "kcp claims reject b --identity-hash 0a", 1, "",
            'error: the export of APIBinding "b" has no claim with identity 0a\n',
        ),
        ("kcp claims accept", 1, "", "error: the name of the APIBinding is missing\n"),
        ("kcp claims accept nope --all", 1, "", 'error: apibindings.apis.kcp.io "nope" not found\n'),
        ("kcp claims get apibinding nope", 1, "", 'error: apibindings.apis.kcp.io "nope" not found\n'),
        ("kcp claims edit", 1, "", 'error: unknown command "edit" for "kubectl kcp claims"\n'),
    ],
    "answers while binding": [
        (
            "kcp bind apiexport {p}:claiming --name b --accept-permission-claim configmaps.core "
            "--reject-permission-claim secrets", 0, bound("b"), "",
        ),
        (
            "kcp claims get apibinding b", 0,
            HEADER
            + "b            configmaps       *       Accepted\n"
            + "b            secrets          *       Rejected\n", "",
        ),
        ("kcp claims diff", 0, "", ""),
        ("delete apibinding b", 0, 'apibinding.apis.kcp.io "b" deleted\n', ""),
        ("kcp bind apiexport {p}:claiming --name c --accept-all-permission-claims", 0, bound("c"), ""),
        (
            "kcp claims get apibinding", 0,
            HEADER
            + "c            configmaps       *       Accepted\n"
            + "c            secrets          *       Accepted\n", "",
        ),
        (
            "kcp bind apiexport {p}:a --accept-permission-claim x --reject-permission-claim x", 1, "",
            "error: the claim x cannot be both accepted and rejected\n",
        ),
        (
            "kcp bind apiexport {p}:a --accept-permission-claim ,", 1, "",
            'error: invalid argument "" for "--accept-permission-claim" flag: a claim is RESOURCE.GROUP\n',
        ),
        (
            "kcp bind apiexport {p}:a --accept-all-permission-claims --reject-all-permission-claims", 1, "",
            "error: --accept-all-permission-claims and --reject-all-permission-claims exclude each other\n",
        ),
        (
            "kcp bind apiexport {p}:a --accept-all-permission-claims --reject-permission-claim x", 1, "",
            "error: claims cannot be named where all are accepted or rejected\n",
        ),
    ],
    "workspaces": [
        ("kcp ws .", 0, "Current workspace is '{c}'.\n", ""),
        ("kcp workspace . --short", 0, "{c}\n", ""),
        ("kcp workspaces -i", 1, "", "error: the interactive browser needs a terminal; use tree, or list\n"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", SESSIONS)
def test_session(provider, workspace, name):
    for line, code, out, errors in SESSIONS[name]:
        typed, shows, wanted = (text.format(p=provider.path, c=workspace.path) for text in (line, out, errors))
        done = kubectl(*shlex.split(typed), kubeconfig=workspace.kubeconfig, check=False)
        seen = done.stderr if wanted.endswith("\n") else done.stderr[: len(wanted)]
        columns = [row.split() for row in done.stdout.splitlines()]
        assert (typed, done.returncode, seen) == (typed, code, wanted), done.stdout + done.stderr
        assert columns == [row.split() for row in shows.splitlines()]
        assert "Traceback" not in done.stderr


def test_tables_are_aligned_as_kubectl_aligns_them(provider, workspace):
    arguments = (f"{provider.path}:claiming", "--name", "b", "--accept-all-permission-claims")
    workspace.kubectl("kcp", "bind", "apiexport", *arguments)
    assert workspace.kubectl("kcp", "claims", "get", "apibinding").stdout == (
        "APIBINDING   GROUP-RESOURCE   VERBS   STATUS\n"
        "b            configmaps       *       Accepted\n"
        "b            secrets          *       Accepted\n"
    )


def test_the_claim_of_another_providers_type_has_its_identity(provider, workspace, server, tmp_path):
    claimed = provider.request("GET", f"{APIS}/apiexports/claiming")[1]
    identity = claimed["status"]["identityHash"]
    claim = {"group": "example.com", "resource": "widgets", "verbs": ["get"], "identityHash": identity}
    body = {
        "apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIExport", "metadata": {"name": "using"},
        "spec": {"permissionClaims": [claim]},
    }  # fmt: skip
    assert provider.request("POST", f"{APIS}/apiexports", body)[0] == 201
    for name, flags in (
        ("named", ("--accept-permission-claim", "widgets.example.com")),
        ("all", ("--accept-all-permission-claims",)),
    ):
        workspace.kubectl("kcp", "bind", "apiexport", f"{provider.path}:using", "--name", name, *flags)
        made = workspace.request("GET", f"{APIS}/apibindings/{name}")[1]
        assert [one["identityHash"] for one in made["spec"]["permissionClaims"]] == [identity]
    done = workspace.kubectl("kcp", "claims", "reject", "named", "--identity-hash", identity)
    assert done.stdout == 'claim "widgets.example.com" on APIBinding "named" is rejected\n'


def test_the_same_by_the_manifold_command(provider, workspace):
    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "manifold.cli.main", *arguments], capture_output=True, text=True, check=False,
            env={"KUBECONFIG": str(workspace.kubeconfig), "HOME": str(workspace.directory)},
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    assert run("bind", "apiexport", f"{provider.path}:plain") == (0, bound("plain"), "")
    assert run("claims", "get", "apibinding", "plain") == (0, HEADER, "")
    assert run("claims", "nope") == (1, "", 'error: unknown command "nope" for "manifold claims"\n')
    assert run("bind", "--help")[1].startswith("Provide and consume APIs.\n\nUsage:\n  manifold bind COMMAND [flags]\n")


@pytest.mark.parametrize(
    ("line", "beginning"),
    [
        ("kcp", "Provide and consume APIs.\n\nUsage:\n  kubectl kcp COMMAND [flags]\n"),
        ("kcp claims", "Provide and consume APIs.\n\nUsage:\n  kubectl kcp claims COMMAND [flags]\n"),
        (
            "kcp help bind apiexport",
            "Bind to an APIExport.\n\nUsage:\n  kubectl kcp bind apiexport PATH:EXPORT [",
        ),
        ("kcp crd snapshot -h", "Make APIResourceSchemas of CustomResourceDefinitions.\n"),
        ("kcp ws --help", "Enter, show and keep workspaces.\n\nUsage:\n  kubectl kcp ws ["),
        ("kcp --version", "kubectl kcp 0."),
    ],
)
def test_help_needs_no_server(tmp_path, line, beginning):
    done = kubectl(*line.split(), kubeconfig=tmp_path / "absent")
    assert done.stdout.startswith(beginning)
    assert done.stderr == ""


def binding(claimed, answered):
    spec, status = {"permissionClaims": answered}, {"exportPermissionClaims": claimed}
    return {"metadata": {"name": "b"}, "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("claim", "answer", "difference"),
    [
        (["get"], None, "not answered"),
        (None, "Accepted", "the export does not claim this"),
        (["get"], "", "neither accepted nor rejected"),
        (["get", "list", "watch"], "Accepted", "verbs not given: list,watch"),
        (["get"], "Accepted", ""),
        (["get", "list"], "Rejected", ""),
    ],
)
def test_differences(claim, answer, difference):
    one = {"group": "", "resource": "configmaps"}
    claimed = [{**one, "verbs": claim}] if claim is not None else []
    answered = [{**one, "verbs": ["get"], "state": answer}] if answer is not None else []
    assert [pair.difference for pair in pairs(binding(claimed, answered))] == [difference]


def test_an_answer_keeps_what_was_selected_and_all_other_answers():
    selected = {"resource": "secrets", "state": "Accepted", "verbs": ["get"], "selector": {"matchLabels": {"a": "b"}}}
    other = {"resource": "configmaps", "state": "Rejected"}
    new = {"group": "", "resource": "secrets", "state": "Rejected", "verbs": ["*"], "selector": {"matchAll": True}}
    made = with_answers(binding([], [selected, other]), [new])
    assert made["spec"]["permissionClaims"] == [{**new, "selector": selected["selector"]}, other]


@pytest.mark.parametrize("text", ["configmaps", "widgets.example.com"])
def test_names_of_claims(text):
    assert shown(parsed(text)) == text
    assert shown(parsed("configmaps.core")) == "configmaps"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("30s", 30), ("1m30s", 90), ("1.5h", 5400), ("300ms", 0.3), ("0", 0), ("5", None), ("s", None)],
)
def test_durations(text, expected):
    if expected is None:
        with pytest.raises(CommandError):
            seconds(text, "timeout")
    else:
        assert seconds(text, "timeout") == pytest.approx(expected)


def test_apis_shows_what_can_be_bound_and_nothing_else(provider, workspace, server):
    """From above, from where something is bound, and from where one is told; not from elsewhere."""

    def shown_to(user, *arguments):
        done = subprocess.run(
            [sys.executable, "-m", "manifold.cli.main", "apis", "--context", user, *arguments],
            env={"KUBECONFIG": str(workspace.kubeconfig), "HOME": str(workspace.directory)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    names = shown_to("root", "-o", "name").split()
    assert {"root:tenancy.kcp.io", "root:topology.kcp.io"} <= set(names)
    assert not [name for name in names if name.startswith(provider.path)]
    told = [name for name in shown_to("root", "-o", "name", "--from", f":{provider.path}").split() if name not in names]
    assert told == [f"{provider.path}:claiming", f"{provider.path}:plain"]
    workspace.kubectl("kcp", "bind", "apiexport", f"{provider.path}:claiming", "--name", "mine")
    row = next(line for line in shown_to("root").splitlines() if line.startswith(f"{provider.path}:claiming"))
    assert row.split() == [
        f"{provider.path}:claiming", "widgets.example.com", "configmaps(get,list)", "secrets(*)", "mine",
    ]  # fmt: skip
    for line in (
        "create clusterrolebinding alice --clusterrole=cluster-admin --user=alice",
        "create clusterrolebinding alice-enters --clusterrole=system:kcp:workspace:access --user=alice",
    ):
        workspace.kubectl(*line.split())
    seen = {one["name"]: one for one in json.loads(shown_to("alice", "-o", "json"))}
    # Alice may not enter the provider's workspace: she knows what is bound, and not what it has.
    assert seen["claiming"] == {"path": provider.path, "name": "claiming", "boundBy": ["mine"]}
    assert "plain" not in seen
    assert "?" in next(line for line in shown_to("alice").splitlines() if line.startswith(f"{provider.path}:claiming"))
