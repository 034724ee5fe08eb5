"""A program of several commands, as kubectl and its plugins are: what a command line chooses, its help, its end.

Guarantees: 0 for success, 1 with one line on stderr for anything else, never a stack trace. As with kubectl, flags may
stand before and behind the name of a command, which may be of several words; `--` ends both. A command is imported when
it runs, because people type them all day.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from manifold.cli.workspaces.failures import CommandError
from manifold.cli.workspaces.flags import Flag, Parsed, described, parse
from manifold.cli.workspaces.kubeconfig import locate
from manifold.cli.workspaces.session import Session

Action = Callable[[Session, tuple[str, ...]], int | None]
"""What a command does with its session and its arguments; an exit code, or None for 0."""

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
WORKSPACE = Flag(
    "workspace", "Workspace to work in, absolute (:root:a) or relative; else the current one.", "PATH", "w"
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


@dataclass(frozen=True, slots=True)
class Program:
    """What is called by one name. `default` is the command of a line that names none, or, where it has a switch set
    that is in `by_flag`, the one that is there; without a default it is help.

    A program without `commands` is its default command. `error` is what begins the line about a failure.
    """

    name: str
    summary: str
    commands: tuple[Command, ...] = ()
    default: Command | None = None
    by_flag: Mapping[str, Command] = field(default_factory=dict)
    examples: str = ""
    error: str = "Error"

    @property
    def flags(self) -> dict[str, Flag]:
        """All flags of all commands by their names."""
        everything = (*self.commands, self.default) if self.default else self.commands
        return {flag.name: flag for command in everything for flag in (*COMMON, *command.flags)}


def run(program: Program, arguments: Sequence[str]) -> int:
    """Run a command line (without the program's own name); its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # as Go does, whatever the locale: trees need more than ASCII
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        return _run(program, parse(arguments, program.flags.values()))
    except CommandError as error:
        print(f"{program.error}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read has read enough; what is still buffered goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(program: Program, parsed: Parsed) -> int:
    asks = bool(program.commands) and bool(parsed.open) and parsed.arguments[0] == "help"
    if asks:
        parsed = Parsed(parsed.values, parsed.arguments[1:], parsed.open - 1)
    typed = parsed.arguments[: parsed.open]
    command, parsed = chosen(program.commands, parsed)
    group = _group(program, typed) if command is None else ""
    if asks or parsed.on("help") or (command is None and group and group == " ".join(typed)):
        print(_help(program, command, group))
        return 0
    if parsed.on("version"):
        from manifold import __version__

        print(f"{program.name} {__version__}")
        return 0
    if command is None and not group:
        command = next((each for name, each in program.by_flag.items() if parsed.on(name)), program.default)
    if command is None:
        if typed:
            unknown, at = typed[len(group.split())], f"{program.name} {group}".rstrip()
            raise CommandError(f'unknown command "{unknown}" for "{at}"')
        print(_help(program, None, ""))
        return 0
    allowed = {flag.name for flag in (*COMMON, *command.flags)}
    for name in parsed.values:
        if name not in allowed:
            raise CommandError(f"unknown flag: --{name}")
    if len(parsed.arguments) > command.most:
        raise CommandError(f"accepts at most {command.most} arg(s), received {len(parsed.arguments)}")
    files = locate(parsed.text("kubeconfig"), os.environ)
    session = Session(parsed, files, agent=program.name.replace(" ", "-"))
    return command.load()(session, parsed.arguments) or 0


def chosen(commands: Sequence[Command], parsed: Parsed) -> tuple[Command | None, Parsed]:
    """The command a command line names, taken off its arguments; None where its first words name none."""
    typed = parsed.arguments[: parsed.open]
    for command in commands:
        for name in (command.name, *command.aliases):
            words = tuple(name.split())
            if typed[: len(words)] == words:
                rest = Parsed(parsed.values, parsed.arguments[len(words) :], parsed.open - len(words))
                return command, rest
    return None, parsed


def _group(program: Program, typed: Sequence[str]) -> str:
    """The most of the first words that names of several commands begin with; empty for none."""
    for count in range(len(typed), 0, -1):
        words = list(typed[:count])
        if any(command.name.split()[:count] == words for command in program.commands):
            return " ".join(words)
    return ""


def _help(program: Program, command: Command | None, group: str) -> str:
    if command is None and program.commands:
        return _help_of_several(program, group)
    command = command or program.default
    assert command is not None
    name = f"{program.name} {command.name}" if program.commands else program.name
    usage = f"{name} {command.arguments}".rstrip()
    also = f"\n\nAlso called: {', '.join(command.aliases)}" if command.aliases else ""
    return f"{command.summary}\n\nUsage:\n  {usage} [flags]{also}\n\nFlags:\n{described((*command.flags, *COMMON))}"


def _help_of_several(program: Program, group: str) -> str:
    shown = [each for each in program.commands if not each.hidden and f"{each.name} ".startswith(f"{group} ".lstrip())]
    wide = max(16, *(len(each.name) for each in shown))
    listed = "\n".join(f"  {each.name:<{wide}} {each.summary}" for each in shown)
    default = program.default
    usage = f"[COMMAND|{default.arguments[1:-1]}]" if default else f"{group} COMMAND".lstrip()
    examples = f"Examples:\n{program.examples.format(program.name)}\n\n" if program.examples and not group else ""
    flags = (*COMMON, *default.flags) if default else COMMON
    return (
        f"{program.summary}\n\nUsage:\n  {program.name} {usage} [flags]\n\n{examples}"
        f"Commands:\n{listed}\n\nFlags:\n{described(flags)}"
    )
