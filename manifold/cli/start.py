"""`manifold start`: the flags of the settings table, their help, and the process they start."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from manifold.server.settings import SettingsError, resolve
from manifold.server.settings_options import OPTIONS, SECTIONS, Option


class _Start(click.Group):
    """A group because of `manifold start options`; its help shows the flags by section."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section in SECTIONS:
            with formatter.section(section):
                formatter.write_dl(list(_rows(section)), col_max=36)
        self.format_commands(ctx, formatter)


def _rows(section: str) -> Iterator[tuple[str, str]]:
    for option in OPTIONS.values():
        if option.section == section:
            default = f" [default: {option.shown_default}]" if option.shown_default else ""
            yield f"{_flag(option)} {option.metavar}", option.help + default


def _flag(option: Option) -> str:
    return f"-{option.name}, --{option.name}" if len(option.name) == 1 else f"--{option.name}"


def _parameter(option: Option) -> click.Option:
    names = [f"--{option.name}", f"-{option.name}"] if len(option.name) == 1 else [f"--{option.name}"]
    if option.metavar == "BOOL":  # `--flag` alone means true, as with Go's flags
        return click.Option(
            [*names, option.field],
            is_flag=False,
            flag_value="true",
            default=None,
            metavar=option.metavar,
            help=option.help,
        )
    return click.Option(
        [*names, option.field],
        multiple=option.repeats,
        default=None,
        type=str,
        metavar=option.metavar,
        help=option.help,
    )


def _run(**given: str | tuple[str, ...] | None) -> int:
    context = click.get_current_context()
    if context.invoked_subcommand is not None:
        return 0
    flags = {}
    for option in OPTIONS.values():
        value = given[option.field]
        if isinstance(value, tuple):
            if value:
                flags[option.name] = ",".join(value)
        elif value is not None:
            flags[option.name] = value
    try:
        settings = resolve(flags)
    except SettingsError as error:
        print(f"manifold: {error}", file=sys.stderr)
        return 2
    from manifold.server.process import run
    from manifold.server.shard import open_shard

    return run(settings, open_shard)


def _options() -> None:
    """Show every setting: flag, environment variable, default, meaning."""
    for section in SECTIONS:
        click.echo(f"{section}:")
        for option in OPTIONS.values():
            if option.section != section:
                continue
            click.echo(f"  {_flag(option)} {option.metavar}")
            click.echo(f"      {option.help}")
            if not option.unused:
                default = f'"{option.shown_default}"' if option.shown_default else "none"
                click.echo(f"      default {default}, environment {option.variable}")
        click.echo()


start = _Start(
    "start",
    callback=_run,
    params=[_parameter(option) for option in OPTIONS.values()],
    invoke_without_command=True,
    no_args_is_help=False,
    subcommand_metavar="[options]",
    short_help="Run everything in one process.",
    help="Run everything in one process, with an embedded store.\n\nEvery flag is also a key of the file given with "
    "--config (without dashes in front) and an environment variable (MANIFOLD_ and the name in capitals); a flag "
    "wins over the environment, that over the file.",
    commands={"options": click.Command("options", callback=_options, help=_options.__doc__)},
)
