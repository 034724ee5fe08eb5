"""The workspace commands by name: their flags and their help.

An argument that is no command is a workspace to enter (`--` makes it one in any case).
"""

from __future__ import annotations

from collections.abc import Sequence

from manifold.cli.program import COMMON, WORKSPACE, Action, Command, Program, run
from manifold.cli.workspaces.flags import Flag

SHORT = Flag("short", "Print the path of the workspace and nothing else.")
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


def run_workspaces(arguments: Sequence[str], name: str, error: str = "Error") -> int:
    """Run `ws` under the name it was called by; its exit code. A failure's line begins with `error`."""
    summary = "Enter, show and keep workspaces."
    return run(Program(name, summary, COMMANDS, USE, {"mine": LIST}, EXAMPLES, error), arguments)


def run_create(arguments: Sequence[str], name: str) -> int:
    """Run `create workspace` under the name it was called by; its exit code."""
    return run(Program(name, CREATE.summary, default=CREATE), arguments)
