"""Everything one can type is in the documentation."""

from pathlib import Path

import pytest

from manifold.cli.apis import command as apis
from manifold.cli.program import COMMON
from manifold.cli.workspaces.command import COMMANDS, CREATE

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "workspaces-cli.md").read_text()
APIS = (DOCS / "apis-cli.md").read_text()


@pytest.mark.parametrize("flag", {flag.name: flag for each in (*COMMANDS, CREATE) for flag in (*COMMON, *each.flags)})
def test_flags(flag):
    assert f"--{flag}" in TEXT


@pytest.mark.parametrize("name", [name for each in COMMANDS for name in (each.name, *each.aliases)])
def test_commands(name):
    assert f"`ws {name}" in TEXT or f"`{name}`" in TEXT


@pytest.mark.parametrize("command", [*apis.COMMANDS, *apis.OWN], ids=lambda command: command.name)
def test_commands_about_apis(command):
    assert f"`{command.name}" in APIS
    for flag in command.flags:
        assert f"--{flag.name}" in APIS
