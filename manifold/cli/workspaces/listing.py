"""The workspaces in the current one, as `kubectl get workspaces` shows them, from wherever one is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from manifold.cli.workspaces.failures import CommandError
from manifold.cli.workspaces.session import Session, collection, pages, say, warn

_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
FORMATS = ("", "wide", "name", "json")


def list_workspaces(session: Session, arguments: tuple[str, ...]) -> None:
    """Write them as a table, as names, or as one JSON list."""
    if session.flags.on("mine"):
        from manifold.cli.workspaces.reach import list_mine

        list_mine(session, arguments)
        return
    listing = Listing(session.flags.text("output"), lambda one: f"workspace.tenancy.kcp.io/{one['metadata']['name']}")
    listing.write(pages(session.client, collection(session.workspace), listing.accept))


@dataclass(frozen=True, slots=True)
class Listing:
    """How a list is written. `name` is what stands for an object where names are asked for, `nothing` what is said of
    an empty list. Raises CommandError for a format there is not.
    """

    output: str
    name: Callable[[dict[str, Any]], str]
    nothing: str = "No resources found"

    def __post_init__(self) -> None:
        if self.output not in FORMATS:
            raise CommandError(
                f'unable to match a printer suitable for the output format "{self.output}": use wide, name or json'
            )

    @property
    def accept(self) -> str:
        """What to ask the server for."""
        return _TABLE if self.output in ("", "wide") else "application/json"

    def write(self, pages: Iterable[dict[str, Any]]) -> None:
        """Write pages as they come."""
        if self.output == "json":
            _write_json(pages)
            return
        count = 0
        for page in pages:
            if self.output == "name":
                names = [self.name(item) for item in page.get("items") or ()]
                count += len(names)
                if names:
                    say("\n".join(names))
                continue
            lines = _table(page, wide=self.output == "wide", header=not count)
            count += len(page.get("rows") or ())
            if page.get("rows"):
                say("\n".join(lines))
        if not count and self.output != "name":
            warn(self.nothing)


def _table(page: dict[str, Any], wide: bool, header: bool) -> list[str]:
    """The lines of a Table: columns as wide as this page needs, three spaces between them."""
    columns = page.get("columnDefinitions") or ()
    shown = [at for at, column in enumerate(columns) if wide or not column.get("priority")]
    rows = [[str(columns[at]["name"]).upper() for at in shown]] if header else []
    for row in page.get("rows") or ():
        cells = row["cells"]
        rows.append([_shown(cells[at]) for at in shown])
    if not rows:
        return []
    widths = [max(len(row[at]) for row in rows) for at in range(len(shown))]
    return [
        "   ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=True))][:-1] + row[-1:])
        for row in rows
    ]


def _shown(cell: Any) -> str:
    """A cell as kubectl prints it."""
    if cell is None:
        return ""
    return str(cell).lower() if isinstance(cell, bool) else str(cell).partition("\n")[0]


def _write_json(pages: Iterable[dict[str, Any]]) -> None:
    """One list of all pages, written page by page."""
    head, separator = '{"apiVersion": "v1", "kind": "List", "metadata": {}, "items": [', ""
    for page in pages:
        lines = [json.dumps(item) for item in page.get("items") or ()]
        if lines:
            say(head + separator + "\n" + ",\n".join(lines))
            head, separator = "", ","
    say(head + "]}")
