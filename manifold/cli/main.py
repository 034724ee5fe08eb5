"""The `manifold` command.

Guarantees: a wrong command line is one line on stderr and exit code 2. Commands import what they need when they run,
so that `manifold --help` is instant.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from manifold import __version__
from manifold.cli.apis.registration import COMMANDS
from manifold.cli.completion.command import asked, completion
from manifold.cli.start import start
from manifold.cli.workspaces.registration import create, ws


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="manifold")
def manifold() -> None:
    """A control plane for Kubernetes-like APIs: very many isolated logical clusters in one process."""


manifold.add_command(start)
manifold.add_command(ws)
manifold.add_command(create)
for _command in COMMANDS:
    manifold.add_command(_command)
manifold.add_command(completion)
manifold.add_command(asked)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line (of this process unless given) and exit."""
    try:
        code = manifold.main(args=arguments, prog_name="manifold", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = 0
    except click.ClickException as error:
        text = " ".join(error.format_message().split()).rstrip(".")
        where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx is not None else "manifold"
        print(f"manifold: {text}; see `{where} --help`", file=sys.stderr)
        code = error.exit_code
    except click.Abort:
        code = 130
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
