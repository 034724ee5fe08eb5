"""The workspace commands by name: their flags, their help, and how they end.

Guarantees: 0 for success, 1 with one line `Error: ...` on stderr for anything else, never a stack trace. As with
kubectl, flags may stand before and behind the name of a command; an argument that is no command is a workspace to
enter (`--` makes it one in any case).
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from manifold.cli.workspaces.failures import CommandError
from manifold.cli.workspaces.flags import Flag, Parsed, described, parse
from manifold.cli.workspaces.kubeconfig import locate
from manifold.cli.workspaces.session import Session

Action = Callable[[Session, tuple[str, ...]], None]

COMMON = (
    Flag("kubeconfig", "Kubeconfig file; else those of KUBECONFIG, else ~/.kube/config.", "FILE"),
    Flag("context", "Context of the kubeconfig; else its current one.", "NAME"),
    Flag("user", "User of the kubeconfig; else that of the context.", "NAME"),
    Flag("server", "URL of the server, in place of the cluster's.", "URL", short="s"),
    Flag("namespace", "Namespace to put into the context that is written.", "NAME", short="n"),
    Flag("certificate-authority", "PEM file of certificates to trust.", "FILE"),
    Flag("insecure-skip-tls-verify", "Trust any certificate. Insecure."),
    Flag("tls-server-name", "Name to expect in the server's certificate.", "NAME"),
    Flag("proxy-url", "HTTP proxy to connect through.", "URL"),
    Flag("token", "Bearer token to log in with; it is not stored.", "TOKEN"),
    Flag("username", "User name to log in with; it is not stored.", "NAME"),
    Flag("password", "Password to log in with; it is not stored.", "PASSWORD"),
    Flag("client-certificate", "PEM file of a client certificate.", "FILE"),
    Flag("client-key", "PEM file of the key of the client certificate.", "FILE"),
    Flag("as", "User to act as.", "NAME"),
    Flag("as-group", "Group to act as; may be repeated.", "NAME", repeats=True),
    Flag("as-uid", "UID to act as.", "UID"),
    Flag("disable-compression", "Accepted for kubectl's sake: answers are never compressed."),
    Flag("v", "Verbosity; from 6 on requests are shown.", "LEVEL", short="v"),
    Flag("help", "Show this.", short="h"),
    Flag("version", "Show the version."),
)
SHORT = Flag("short", "Print the path of the workspace and nothing else.")
WORKSPACE = Flag(
    "workspace", "Workspace to work in, absolute (:root:a) or relative; else the current one.", "PATH", "w"
)
OUTPUT = Flag("output", "wide, name or json; else a table.", "FORMAT", "o")
MINE = Flag("mine", "The workspaces one may enter, wherever they are.")
INTERACTIVE = Flag("interactive", "Browse the tree with keys, and enter a workspace of it.", short="i")
CREATE_FLAGS = (
    Flag("type", "Type of the workspace, NAME or PATH:NAME; else its parent's default.", "TYPE"),
    Flag("enter", "Enter the workspace when it is ready."),
    Flag("ignore-existing", "A workspace of that name and type is as good; so is the context of --create-context."),
    Flag("location-selector", "Labels of the shards it may be on.", "SELECTOR"),
    Flag("create-context", "Write a context of that name for the workspace.", "NAME"),
    WORKSPACE,
)


@dataclass(frozen=True, slots=True)
class Command:
    """One command: what it does in a line, what follows its name, how many arguments it takes, its own flags."""

    name: str
    summary: str
    load: Callable[[], Action]
    arguments: str = ""
    most: int = 0
    flags: tuple[Flag, ...] = ()
    aliases: tuple[str, ...] = ()
    hidden: bool = False


def _use() -> Action:
    from manifold.cli.workspaces.entering import use

    return use


def _up() -> Action:
    from manifold.cli.workspaces.entering import up

    return up


def _current() -> Action:
    from manifold.cli.workspaces.entering import current

    return current


def _create_context() -> Action:
    from manifold.cli.workspaces.entering import create_context

    return create_context


def _create() -> Action:
    from manifold.cli.workspaces.creating import create

    return create


def _create_deprecated() -> Action:
    from manifold.cli.workspaces.creating import create_deprecated

    return create_deprecated


def _tree() -> Action:
    from manifold.cli.workspaces.tree import tree

    return tree


def _list() -> Action:
    from manifold.cli.workspaces.listing import list_workspaces

    return list_workspaces


def _types() -> Action:
    from manifold.cli.workspaces.reach import list_types

    return list_types


USE = Command(
    "use",
    "Enter a workspace.",
    _use,
    "[PATH|URL|..|-|.|~]",
    most=1,
    flags=(SHORT, INTERACTIVE),
    aliases=("cd", "enter"),
)
LIST = Command(
    "list",
    "List the workspaces in the current one, or, with --mine, all one may enter.",
    _list,
    flags=(OUTPUT, MINE, WORKSPACE),
    aliases=("ls",),
)
CREATE = Command("create", "Create a workspace.", _create, "NAME", most=1, flags=CREATE_FLAGS)
COMMANDS = (
    Command("create", CREATE.summary, _create_deprecated, "NAME", most=1, flags=CREATE_FLAGS, hidden=True),
    Command(
        "create-context",
        "Keep the current workspace as a context; its name is the path unless given.",
        _create_context,
        "[NAME]",
        most=1,
        flags=(Flag("overwrite", "Update the context if it is there."),),
    ),
    Command("current", "Print the current workspace.", _current, flags=(SHORT,)),
    LIST,
    Command(
        "tree",
        "Print the tree of workspaces below the current one.",
        _tree,
        flags=(
            Flag("full", "Print whole paths.", short="f"),
            Flag("wide", "Print the phases of workspaces and logical clusters."),
            Flag("depth", "How deep to go; the deepest tell how many are below.", "N"),
            Flag("limit", "How many children of one workspace to show, 0 for all; at a terminal 100.", "N"),
            INTERACTIVE,
            WORKSPACE,
        ),
    ),
    Command("types", "List the types one may create in the current workspace.", _types, flags=(OUTPUT, WORKSPACE)),
    Command("up", "Enter the workspace above.", _up, flags=(SHORT,)),
    USE,
)
ALL_FLAGS = {flag.name: flag for command in (*COMMANDS, CREATE) for flag in (*COMMON, *command.flags)}
"""Every flag by its name: command lines are read before it is known whose they are."""

EXAMPLES = """\
  {0} .              where am I
  {0} root-child     enter a workspace by its relative path
  {0} :root:a:b      enter a workspace by its absolute path
  {0} ..             enter the workspace above; ..:.. the one above that
  {0} -              go back to where I was
  {0} ~              go home
  {0} :              enter the topmost workspace of the current path
  {0} tree           what is below
  {0} --mine         what one may enter, wherever it is
  {0} create-context keep this workspace as a context of its own"""


def run_workspaces(arguments: Sequence[str], program: str) -> int:
    """Run `ws`; its exit code."""
    return _run(arguments, program, None)


def run_create(arguments: Sequence[str], program: str) -> int:
    """Run `create workspace`; its exit code."""
    return _run(arguments, program, CREATE)


def _run(arguments: Sequence[str], program: str, only: Command | None) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # as Go does, whatever the locale: trees need more than ASCII
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        parsed = parse(arguments, ALL_FLAGS.values())
        command, parsed = (only, parsed) if only else chosen(parsed)
        asks = command is None and bool(parsed.open) and parsed.arguments[0] == "help"
        if asks:
            command, _ = chosen(Parsed(arguments=parsed.arguments[1:], open=parsed.open - 1))
        if asks or parsed.on("help"):
            print(_help(command, program, only is not None))
            return 0
        if parsed.on("version"):
            from manifold import __version__

            print(f"{program} {__version__}")
            return 0
        if command is None:
            command = LIST if parsed.on("mine") else USE
        allowed = {flag.name for flag in (*COMMON, *command.flags)}
        for name in parsed.values:
            if name not in allowed:
                raise CommandError(f"unknown flag: --{name}")
        if len(parsed.arguments) > command.most:
            raise CommandError(f"accepts at most {command.most} arg(s), received {len(parsed.arguments)}")
        command.load()(Session(parsed, locate(parsed.text("kubeconfig"), os.environ)), parsed.arguments)
    except CommandError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read has read enough; what is still buffered goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def chosen(parsed: Parsed) -> tuple[Command | None, Parsed]:
    """The command a command line names, taken off its arguments; None where the first argument names none."""
    if parsed.open:
        for command in COMMANDS:
            if parsed.arguments[0] in (command.name, *command.aliases):
                return command, Parsed(parsed.values, parsed.arguments[1:], parsed.open - 1)
    return None, parsed


def _help(command: Command | None, program: str, only: bool) -> str:
    if command is None:
        listed = "\n".join(f"  {each.name:<16} {each.summary}" for each in COMMANDS if not each.hidden)
        return (
            f"Enter, show and keep workspaces.\n\nUsage:\n  {program} [COMMAND|{USE.arguments[1:-1]}] [flags]\n\n"
            f"Examples:\n{EXAMPLES.format(program)}\n\nCommands:\n{listed}\n\n"
            f"Flags:\n{described((*COMMON, *USE.flags))}"
        )
    name = program if only else f"{program} {command.name}"
    usage = f"{name} {command.arguments}".rstrip()
    also = f"\n\nAlso called: {', '.join(command.aliases)}" if command.aliases else ""
    return f"{command.summary}\n\nUsage:\n  {usage} [flags]{also}\n\nFlags:\n{described((*command.flags, *COMMON))}"
