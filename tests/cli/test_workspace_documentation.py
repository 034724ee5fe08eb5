"""Everything one can type is in the documentation."""

from pathlib import Path

import pytest

from manifold.cli.workspaces.command import COMMANDS, COMMON, CREATE

TEXT = (Path(__file__).parents[2] / "docs" / "workspaces-cli.md").read_text()


@pytest.mark.parametrize("flag", {flag.name: flag for each in (*COMMANDS, CREATE) for flag in (*COMMON, *each.flags)})
def test_flags(flag):
    assert f"--{flag}" in TEXT


@pytest.mark.parametrize("name", [name for each in COMMANDS for name in (each.name, *each.aliases)])
def test_commands(name):
    assert f"`ws {name}" in TEXT or f"`{name}`" in TEXT
