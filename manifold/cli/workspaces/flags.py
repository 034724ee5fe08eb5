"""Flags as kubectl and its plugins read them.

Guarantees the rules and texts of pflag, which the users of kubectl know by heart: `--name value`, `--name=value`,
`-n value`, `-nvalue`, `-n=value`, switches that join (`-fh`), flags before, between and behind arguments, `--` ends
them, a lone `-` is an argument. That is why this is not click: click's rules and refusals differ, and its import costs
more than all of this command.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from manifold.cli.workspaces.failures import CommandError

_TRUE = {"1", "t", "T", "true", "TRUE", "True"}
_FALSE = {"0", "f", "F", "false", "FALSE", "False"}


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag. Without a `metavar` it is a switch. `short` is one letter or empty; one that `repeats` is a list."""

    name: str
    help: str
    metavar: str = ""
    short: str = ""
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Parsed:
    """A command line taken apart: flag name to its values in order, and the arguments.

    The first `open` arguments stood before `--`: only these can be the name of a command.
    """

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    open: int = 0

    def text(self, name: str) -> str:
        """The last value given for a flag, or empty."""
        return self.values[name][-1] if name in self.values else ""

    def on(self, name: str) -> bool:
        """Whether a switch is set."""
        return self.text(name) == "true"

    def number(self, name: str, default: int) -> int:
        """The value of a flag that is a whole number from 0 on. Raises CommandError for anything else."""
        text = self.text(name)
        if not text:
            return default
        if not (text.isascii() and text.isdigit()):
            raise CommandError(f'invalid argument "{text}" for "--{name}" flag: it must be a whole number')
        return int(text)


def parse(arguments: Sequence[str], flags: Iterable[Flag]) -> Parsed:
    """Take a command line apart. Raises CommandError for what pflag refuses."""
    named = {flag.name: flag for flag in flags}
    lettered = {flag.short: flag for flag in named.values() if flag.short}
    values: dict[str, list[str]] = {}
    rest: list[str] = []
    given = iter(arguments)
    for argument in given:
        if argument == "--":
            return Parsed(values, (*rest, *given), len(rest))
        if argument.startswith("--"):
            name, equals, value = argument[2:].partition("=")
            flag = named.get(name)
            if flag is None:
                raise CommandError(f"unknown flag: --{name}")
            if not equals:
                value = "true" if not flag.metavar else _next(given, f"--{name}")
            values.setdefault(name, []).append(_checked(flag, value))
        elif argument.startswith("-") and argument != "-":
            _letters(argument, lettered, given, values)
        else:
            rest.append(argument)
    return Parsed(values, tuple(rest), len(rest))


def _letters(argument: str, lettered: Mapping[str, Flag], given: Iterable[str], values: dict[str, list[str]]) -> None:
    position = 1
    while position < len(argument):
        letter, rest = argument[position], argument[position + 1 :]
        flag = lettered.get(letter)
        if flag is None:
            raise CommandError(f"unknown shorthand flag: '{letter}' in {argument}")
        taken = values.setdefault(flag.name, [])
        if rest.startswith("="):
            taken.append(_checked(flag, rest[1:]))
            return
        if flag.metavar:
            taken.append(_checked(flag, rest or _next(given, f"'{letter}' in {argument}")))
            return
        taken.append("true")
        position += 1


def _next(given: Iterable[str], where: str) -> str:
    for value in given:
        return value
    raise CommandError(f"flag needs an argument: {where}")


def _checked(flag: Flag, value: str) -> str:
    if flag.metavar:
        return value
    if value in _TRUE:
        return "true"
    if value in _FALSE:
        return "false"
    shown = f"-{flag.short}, --{flag.name}" if flag.short else f"--{flag.name}"
    raise CommandError(
        f'invalid argument "{value}" for "{shown}" flag: strconv.ParseBool: parsing "{value}": invalid syntax'
    )


def described(flags: Iterable[Flag]) -> str:
    """The flags as lines of a help text, in order of their names."""
    lines = []
    for flag in sorted(flags, key=lambda each: each.name):
        short = f"-{flag.short}, " if flag.short else "    "
        shown = f"  {short}--{flag.name}" + (f" {flag.metavar}" if flag.metavar else "")
        lines.append(f"{shown:<42} {flag.help}")
    return "\n".join(lines)
