"""The commands about APIs by name: their flags and their help.

`kubectl kcp` has them beside the workspace commands, which it calls `workspace`; `manifold` has each of them under its
own name, and two more.
"""

from __future__ import annotations

from collections.abc import Sequence

from manifold.cli.program import WORKSPACE, Action, Command, Program, run
from manifold.cli.workspaces.flags import Flag

WORKSPACE_NAMES = ("workspace", "ws", "workspaces")
_RESOURCE = Flag("resource", "Claim to answer, RESOURCE or RESOURCE.GROUP; may be repeated.", "RESOURCE", repeats=True)
_ANSWER_FLAGS = (
    _RESOURCE,
    Flag("identity-hash", "Answer the claims that have this identity.", "HASH"),
    Flag("all", "Answer all claims of the export."),
    WORKSPACE,
)


def _bind() -> Action:
    from manifold.cli.apis.binding import bind

    return bind


def _get() -> Action:
    from manifold.cli.apis.claims import get

    return get


def _accept() -> Action:
    from manifold.cli.apis.claims import accept

    return accept


def _reject() -> Action:
    from manifold.cli.apis.claims import reject

    return reject


def _all() -> Action:
    from manifold.cli.apis.claims import everything

    return everything


def _diff() -> Action:
    from manifold.cli.apis.claims import diff

    return diff


def _apis() -> Action:
    from manifold.cli.apis.offers import apis

    return apis


def _init() -> Action:
    from manifold.cli.provider.writing import init

    return init


def _snapshot() -> Action:
    from manifold.cli.apis.snapshot import snapshot

    return snapshot


BIND = Command(
    "bind apiexport",
    "Bind to an APIExport.",
    _bind,
    "PATH:EXPORT",
    most=1,
    flags=(
        Flag("name", "Name of the APIBinding; else that of the export.", "NAME"),
        Flag("timeout", "How long to wait until it is bound; 30s unless given.", "DURATION"),
        Flag("accept-permission-claim", "Claims to accept, as RESOURCE.GROUP,...", "CLAIMS", repeats=True),
        Flag("reject-permission-claim", "Claims to reject, as RESOURCE.GROUP,...", "CLAIMS", repeats=True),
        Flag("accept-all-permission-claims", "Accept every claim of the export."),
        Flag("reject-all-permission-claims", "Reject every claim of the export."),
        WORKSPACE,
    ),
)
CLAIMS = (
    Command(
        "claims get apibinding",
        "Show the claims that APIBindings answer, and how.",
        _get,
        "[APIBINDING]",
        most=1,
        flags=(WORKSPACE,),
    ),
    Command("claims accept", "Accept claims of an APIBinding.", _accept, "APIBINDING", most=1, flags=_ANSWER_FLAGS),
    Command("claims reject", "Reject claims of an APIBinding.", _reject, "APIBINDING", most=1, flags=_ANSWER_FLAGS),
    Command(
        "claims all",
        "Show all claims: what exports claim, and what APIBindings answer.",
        _all,
        "[APIBINDING]",
        most=1,
        flags=(WORKSPACE,),
    ),
    Command(
        "claims diff",
        "Show where APIBindings differ from what their exports claim.",
        _diff,
        "[APIBINDING]",
        most=1,
        flags=(WORKSPACE,),
    ),
)
SNAPSHOT = Command(
    "crd snapshot",
    "Make APIResourceSchemas of CustomResourceDefinitions.",
    _snapshot,
    flags=(
        Flag("filename", "File with CustomResourceDefinitions in YAML or JSON; - for stdin.", "FILE", "f"),
        Flag("prefix", "What the names of the schemas begin with, such as v1 or v261121.", "PREFIX"),
        Flag("output", "yaml or json; yaml unless given.", "FORMAT", "o"),
    ),
)
APIS = Command(
    "apis",
    "Show which APIs can be bound, from whom, and what they claim.",
    _apis,
    flags=(
        Flag("from", "Another workspace to ask; may be repeated.", "PATH", repeats=True),
        Flag("output", "name or json; else a table.", "FORMAT", "o"),
        WORKSPACE,
    ),
)
PROVIDER_INIT = Command(
    "provider init",
    "Write a folder to begin with as the provider of an API.",
    _init,
    "DIRECTORY",
    most=1,
    flags=(
        Flag("group", "Group of the API; example.com unless given.", "GROUP"),
        Flag("kind", "Kind of its objects; Widget unless given.", "KIND"),
        Flag("plural", "Plural of the kind; that of the English language unless given.", "NAME"),
    ),
)
COMMANDS = (BIND, *CLAIMS, SNAPSHOT)
OWN = (APIS, PROVIDER_INIT)
"""What `kubectl kcp` does not have."""
SUMMARY = "Provide and consume APIs."


def _workspaces() -> Action:
    raise AssertionError("the workspace commands read their own command line")


LISTED = Command("workspace", "Enter, show and keep workspaces; see `kubectl ws`.", _workspaces, aliases=("ws",))


def run_kcp(arguments: Sequence[str], name: str) -> int:
    """Run `kubectl kcp`; its exit code."""
    if arguments and arguments[0] in WORKSPACE_NAMES:
        from manifold.cli.workspaces.command import run_workspaces

        return run_workspaces(arguments[1:], f"{name} {arguments[0]}", "error")
    return run(Program(name, SUMMARY, (*COMMANDS, LISTED), error="error"), arguments)


def run_manifold(command: str, arguments: Sequence[str]) -> int:
    """Run one of these commands as a command of `manifold`; its exit code."""
    return run(Program("manifold", SUMMARY, (*OWN, *COMMANDS), error="error"), (command, *arguments))
