"""Writing the folder: its files with other names in them, and the schema made of the definition."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

from manifold.cli.apis.snapshot import definitions, schema_of, written
from manifold.cli.workspaces.failures import CommandError
from manifold.cli.workspaces.session import Session, say

_SUFFIX = ".template"
_KIND = re.compile(r"[A-Z][A-Za-z0-9]{0,62}")
_PLURAL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_GROUP = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+")
_RESERVED = ("kcp.io", "k8s.io", "kubernetes.io")
_WORDS = re.compile(r"\bwidgets\b|\bwidget\b|Widget|\bexample\.com\b")
PREFIX = "v1"


@dataclass(frozen=True, slots=True)
class Names:
    """What the API is called. `plural` is also its resource."""

    group: str = "example.com"
    kind: str = "Widget"
    plural: str = "widgets"

    def put(self, text: str) -> str:
        """A text about `widgets.example.com` as one about this API."""
        singular = self.kind.lower()
        words = {"widgets": self.plural, "widget": singular, "Widget": self.kind, "example.com": self.group}
        return _WORDS.sub(lambda found: words[found[0]], text)


DEFAULT = Names()


def init(session: Session, arguments: tuple[str, ...]) -> None:
    """Write the folder that the argument names. It must be empty or not there."""
    if not arguments:
        raise CommandError("the directory to write is missing")
    flags = session.flags
    names = named(flags.text("group"), flags.text("kind"), flags.text("plural"))
    directory = Path(arguments[0])
    try:
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise CommandError(f"{directory} is there, and is no empty directory")
        for path, text in files(names):
            target = directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{error.filename}: {(error.strerror or str(error)).lower()}") from None
    say(f"{names.plural}.{names.group} is in {directory}; begin with its README.md")


def named(group: str, kind: str, plural: str) -> Names:
    """The names of an API, with defaults for what is empty. Raises CommandError for what no API can be called."""
    kind = kind or DEFAULT.kind
    plural = plural or _plural(kind.lower())
    group = group or DEFAULT.group
    for value, pattern, what in ((kind, _KIND, "kind"), (plural, _PLURAL, "plural"), (group, _GROUP, "group")):
        if not pattern.fullmatch(value) or len(value) > 253:
            raise CommandError(f'--{what} must match ^{pattern.pattern}$, and "{value}" does not')
    if any(group == each or group.endswith(f".{each}") for each in _RESERVED):
        raise CommandError(f"the group {group} is reserved")
    return Names(group, kind, plural)


def files(names: Names) -> Iterator[tuple[PurePosixPath, str]]:
    """The files of the folder: path and text."""
    for path, text in _templates(resources.files("manifold.cli.provider") / "folder", PurePosixPath()):
        written_text = names.put(text)
        yield path.with_name(names.put(path.name)), written_text
        if path.name == "crd.yaml":
            schema = schema_of(next(definitions(written_text)), PREFIX)
            yield path.with_name("apiresourceschema.yaml"), written(schema)


def _templates(directory: Traversable, at: PurePosixPath) -> Iterator[tuple[PurePosixPath, str]]:
    for each in sorted(directory.iterdir(), key=lambda one: one.name):
        if each.is_dir():
            yield from _templates(each, at / each.name)
        elif each.name.endswith(_SUFFIX):
            yield at / each.name.removesuffix(_SUFFIX), each.read_text(encoding="utf-8")


def _plural(singular: str) -> str:
    if singular.endswith(("s", "x", "z", "ch", "sh")):
        return f"{singular}es"
    if singular.endswith("y") and singular[-2:-1] not in ("a", "e", "i", "o", "u", ""):
        return f"{singular[:-1]}ies"
    return f"{singular}s"
