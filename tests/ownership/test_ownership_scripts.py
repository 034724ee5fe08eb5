"""Ownership by scripts: commands and what they must lead to.

`== title` begins a case with no object. A command is a word, a manager (`name`, `name/subresource`), perhaps a version
(`v1` if none is given) and `reset=path`, and an object as a YAML flow mapping:

    create, update      a writer sends the whole object
    apply, apply!       a writer applies a configuration, or forces it
    owners              a writer sends the object as it is, with these managedFields
    existing            an object that nobody owns is there

Each command takes one second. Below it, indented, stands what must hold: `! text` the refusal (`\\n` breaks lines),
`is {...}` the object, `nobody` that it has no owners, or all owners in order: `name Operation version @second: paths`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from manifold.base.errors import StatusError
from manifold.schema.model import ANY, Node
from manifold.schema.ownership import Manager, apply, track_create, track_update
from manifold.schema.ownership.fields import paths

COMMAND = re.compile(
    r"(?P<word>\w+!?)(?:\s+(?P<name>[\w-]+)(?:/(?P<sub>\w+))?)?(?:\s+(?P<version>v\d))?"
    r"(?:\s+reset=(?P<reset>[\w.]+))?\s+(?P<object>[\[{].*)"
)


def text(**how: Any) -> Node:
    return Node("string", **how)


def schema() -> Node:
    """A type that has every kind of place; `spec` and what is in it are as in built-in types, the rest as in custom."""
    strings = Node("map", values=text())
    string_set = Node("list", items=text(), list_type="set")
    item = Node("object", properties={"name": text(), "value": text(), "other": text(), "set": string_set})
    port = Node("object", properties={"port": Node("integer"), "protocol": text(default="TCP"), "name": text()})
    reference = Node(
        "object", properties={name: text() for name in ("apiVersion", "kind", "name", "uid")}, map_type="atomic"
    )
    metadata = Node(
        "object",
        written=True,
        properties={
            **{name: text() for name in ("name", "namespace", "uid", "generateName", "creationTimestamp")},
            "labels": strings,
            "annotations": strings,
            "finalizers": string_set,
            "ownerReferences": Node("list", items=reference, list_type="map", map_keys=("uid",)),
            "managedFields": Node("list", items=ANY),
        },
    )
    template = Node("object", written=True, properties={"labels": strings})
    spec = Node(
        "object",
        written=True,
        properties={
            "replicas": Node("integer"),
            "selector": Node("map", values=text(), map_type="atomic", written=True),
            "strategy": Node("object", written=True, properties={"type": text()}),
            "template": template,
        },
    )
    return Node(
        "object",
        properties={
            "apiVersion": text(),
            "kind": text(),
            "metadata": metadata,
            "spec": spec,
            "status": Node("object", properties={"phase": text()}),
            "data": strings,
            "set": string_set,
            "items": Node("list", items=item, list_type="map", map_keys=("name",)),
            "ports": Node("list", items=port, list_type="map", map_keys=("port", "protocol")),
            "atomic": Node("list", items=text()),
            "atomicMap": Node("map", values=text(), map_type="atomic"),
            "nested": Node("object", properties={"deep": strings}),
            "free": Node("object", preserve=True),
            "enabled": Node("boolean"),
        },
    )


NODE = schema()


def cases() -> Iterator[Any]:
    for file in sorted((Path(__file__).parent / "scripts").glob("*.txt")):
        title, lines = "", []
        for line in [*file.read_text().splitlines(), "== end"]:
            if line.startswith("== "):
                if title:
                    yield pytest.param(lines, id=f"{file.stem}: {title}")
                title, lines = line[3:], []
            elif line.strip() and not line.startswith("#"):
                lines.append(line)


def at(second: int) -> str:
    return f"2000-01-01T00:00:{second:02}Z"


def told(obj: dict[str, Any] | None) -> list[str]:
    """The owners of an object as scripts tell them."""
    lines = []
    for entry in (obj or {}).get("metadata", {}).get("managedFields", ()):
        assert entry["fieldsType"] == "FieldsV1"
        name = entry["manager"] + ("/" + entry["subresource"] if "subresource" in entry else "")
        time = f" @{int(entry['time'][17:19])}" if "time" in entry else ""
        owned = " ".join(sorted(paths(entry["fieldsV1"])))
        lines.append(f"{name} {entry['operation']} {entry['apiVersion']}{time}: {owned}")
    return lines


def plain(obj: dict[str, Any]) -> dict[str, Any]:
    """An object without owners, and without what every object of a script has."""
    metadata = {name: value for name, value in obj["metadata"].items() if name != "managedFields"}
    rest = {name: value for name, value in obj.items() if name not in ("metadata", "apiVersion", "kind")}
    return {**rest, "metadata": metadata} if metadata else rest


def sorted_paths(line: str) -> str:
    head, _, owned = line.partition(": ")
    return f"{head}: {' '.join(sorted(owned.split()))}"


class Script:
    """The state of one case: the object, the second, the last refusal, the owners that are still to be told."""

    def __init__(self) -> None:
        self.live: dict[str, Any] | None = None
        self.second = 0
        self.refusal = ""
        self.expected: list[str] = []

    def command(self, line: str) -> None:
        self.settle()
        match = COMMAND.fullmatch(line)
        assert match, line
        sent = yaml.safe_load(match["object"])
        version = match["version"] or "v1"
        reset = (tuple(match["reset"].split(".")),) if match["reset"] else ()
        self.second += 1
        self.refusal = ""
        before = orjson.dumps(self.live)
        word = match["word"]
        if isinstance(sent, dict):
            sent = {"apiVersion": version, "kind": "Thing", "metadata": {}, **sent}
        if word == "existing":
            self.live = sent
            return
        operation: Any = "Apply" if word.startswith("apply") else "Update"
        manager = Manager(match["name"], operation, version, match["sub"] or "")
        if word == "create":
            track_create(None, sent, NODE, manager, at(self.second), reset)
        elif word == "update":
            track_update(self.live, sent, NODE, manager, at(self.second), reset)
        elif word == "owners":
            assert self.live is not None
            sent = {**self.live, "metadata": {**self.live["metadata"], "managedFields": sent}}
            track_update(self.live, sent, NODE, manager, at(self.second), reset)
        else:
            given = orjson.dumps(sent)
            configuration = sent
            try:
                sent = apply(self.live, sent, NODE, manager, word == "apply!", at(self.second), reset)
            except StatusError as refusal:
                self.refusal = refusal.message
                sent = self.live
            assert orjson.dumps(configuration) == given, "apply changed the configuration"
        assert orjson.dumps(self.live) == before, "a command changed what it was given"
        self.live = orjson.loads(orjson.dumps(sent)) if sent is not None else None

    def expectation(self, line: str) -> None:
        if line.startswith("! "):
            assert self.refusal == line[2:].replace("\\n", "\n")
            self.refusal = ""
        elif line.startswith("is "):
            assert self.live is not None
            assert plain(self.live) == yaml.safe_load(line[3:])
        elif line == "nobody":
            assert told(self.live) == []
        else:
            self.expected.append(line)

    def settle(self) -> None:
        assert not self.refusal, self.refusal
        if self.expected:
            assert told(self.live) == [sorted_paths(line) for line in self.expected]
            self.expected = []


@pytest.mark.parametrize("lines", list(cases()))
def test_script(lines: list[str]) -> None:
    script = Script()
    for line in lines:
        if line.startswith(" "):
            script.expectation(line.strip())
        else:
            script.command(line)
    script.settle()
