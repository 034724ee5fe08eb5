"""Flags are read as kubectl reads them."""

import pytest

from manifold.cli.workspaces.failures import CommandError
from manifold.cli.workspaces.flags import Flag, described, parse

FLAGS = (
    Flag("type", "what", "TYPE"),
    Flag("workspace", "where", "PATH", short="w"),
    Flag("group", "who", "NAME", repeats=True),
    Flag("full", "whole", short="f"),
    Flag("help", "this", short="h"),
    Flag("limit", "how many", "N"),
)


@pytest.mark.parametrize(
    ("line", "values", "arguments", "before"),
    [
        ("", {}, (), 0),
        ("a b", {}, ("a", "b"), 2),
        ("-", {}, ("-",), 1),
        ("--type x a", {"type": ["x"]}, ("a",), 1),
        ("a --type=x", {"type": ["x"]}, ("a",), 1),
        ("--type= a", {"type": [""]}, ("a",), 1),
        ("--type --full", {"type": ["--full"]}, (), 0),
        ("--type a=b", {"type": ["a=b"]}, (), 0),
        ("-w x", {"workspace": ["x"]}, (), 0),
        ("-wx", {"workspace": ["x"]}, (), 0),
        ("-w=x", {"workspace": ["x"]}, (), 0),
        ("-fw x", {"full": ["true"], "workspace": ["x"]}, (), 0),
        ("-fh", {"full": ["true"], "help": ["true"]}, (), 0),
        ("--full a", {"full": ["true"]}, ("a",), 1),
        ("--full=false", {"full": ["false"]}, (), 0),
        ("--full=T -f=0", {"full": ["true", "false"]}, (), 0),
        ("--group a --group b", {"group": ["a", "b"]}, (), 0),
        ("a -- --full -w", {}, ("a", "--full", "-w"), 1),
        ("-- tree", {}, ("tree",), 0),
    ],
)
def test_parse(line, values, arguments, before):
    parsed = parse(line.split(), FLAGS)
    assert (dict(parsed.values), parsed.arguments, parsed.open) == (values, arguments, before)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("--nope", "unknown flag: --nope"),
        ("--nope=1", "unknown flag: --nope"),
        ("-x", "unknown shorthand flag: 'x' in -x"),
        ("-fx", "unknown shorthand flag: 'x' in -fx"),
        ("--type", "flag needs an argument: --type"),
        ("-w", "flag needs an argument: 'w' in -w"),
        ("-fw", "flag needs an argument: 'w' in -fw"),
        (
            "--full=yes",
            'invalid argument "yes" for "-f, --full" flag: strconv.ParseBool: parsing "yes": invalid syntax',
        ),
    ],
)
def test_refusals(line, text):
    with pytest.raises(CommandError) as refusal:
        parse(line.split(), FLAGS)
    assert str(refusal.value) == text


def test_values():
    parsed = parse(["--type", "a", "--type", "b", "--full", "--limit", "12"], FLAGS)
    assert (parsed.text("type"), parsed.text("workspace")) == ("b", "")
    assert (parsed.on("full"), parsed.on("help")) == (True, False)
    assert (parsed.number("limit", 7), parsed.number("depth", 7)) == (12, 7)


@pytest.mark.parametrize("value", ["-1", "x", "1.5", "1_000", "١"])
def test_no_whole_number(value):
    with pytest.raises(CommandError, match="must be a whole number"):
        parse([f"--limit={value}"], FLAGS).number("limit", 0)


def test_every_flag_is_described_once():
    lines = described(FLAGS).splitlines()
    assert len(lines) == len(FLAGS)
    assert lines[0].split() == ["-f,", "--full", "whole"]
