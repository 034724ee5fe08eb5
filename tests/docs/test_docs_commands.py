"""Every command of the documents is run as it stands, against a real server, and prints what the document says."""

import re
import shlex
from itertools import pairwise

import pytest
from documents import DOCUMENTS, ROOT, blocks, name
from terminal import PROGRAMS, Terminal, programs_of

PLAYED = [document for document in DOCUMENTS if any(block.language == "console" for block in blocks(document))]
SHOWN = {"", "console", "sh", "text", "yaml", "json", "http", "python", "js", "go", "ini"}
"""Languages of blocks. `sh` holds what a test of the project cannot run: what sets up, tests and checks the project."""


@pytest.mark.parametrize("document", PLAYED, ids=name)
def test_commands_do_what_the_document_says(document, tmp_path):
    terminal = Terminal(tmp_path / "manifold", *programs_of(document.read_text()))
    try:
        for block, following in pairwise([*blocks(document), None]):
            if block.language == "console":
                terminal.play(block)
            elif block.language in PROGRAMS:
                assert following is not None, f"{name(document)}:{block.line}: what it prints is not shown"
                assert following.language == "text", f"{name(document)}:{block.line}: what it prints is not shown"
                terminal.run_program(block, following)
    finally:
        terminal.close()


def test_the_readme_is_among_them():
    assert ROOT / "README.md" in PLAYED


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_commands_that_are_not_run_are_targets_or_git(document):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for block in blocks(document):
        assert block.language in SHOWN, f"{name(document)}:{block.line}: no known language"
        if block.language != "sh":
            continue
        for line in block.lines:
            command = shlex.split(line, comments=True)
            if not command or command[0] in ("git", "cd"):
                continue
            assert command[0] == "make", f"{name(document)}:{block.line}: {line} is neither make nor git: use console"
            named = [word for word in command[1:] if "=" not in word and re.fullmatch("[a-z-]+", word)]
            assert set(named) <= targets, f"{name(document)}:{block.line}: no such target: {line}"
