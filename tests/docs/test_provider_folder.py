"""The README of the folder that `manifold provider init` writes is run as it stands, in a workspace of its own."""

import os

from documents import blocks
from terminal import Terminal

from manifold.cli.provider.writing import files, named


def test_commands_do_what_the_readme_of_the_folder_says(server, workspace, tmp_path):
    terminal = Terminal(tmp_path / "folder")
    try:
        for path, text in files(named("tea.example.org", "Teapot", "")):
            target = terminal.directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_bytes(workspace.kubeconfig.read_bytes())
        terminal.set("KUBECONFIG", os.fspath(kubeconfig))
        for block in blocks(terminal.directory / "README.md"):
            terminal.play(block)
    finally:
        terminal.close()
