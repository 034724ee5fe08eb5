"""The workspaces in the current one, as `kubectl get workspaces` shows them, from wherever one is."""

from __future__ import annotations

import json
from typing import Any

from manifold.cli.workspaces.failures import CommandError
from manifold.cli.workspaces.session import Session, collection, pages, say, warn

_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
FORMATS = ("", "wide", "name", "json")


def list_workspaces(session: Session, arguments: tuple[str, ...]) -> None:
    """Write them as a table, as names, or as one JSON list."""
    output = session.flags.text("output")
    if output not in FORMATS:
        raise CommandError(
            f'unable to match a printer suitable for the output format "{output}": use wide, name or json'
        )
    request = collection(session.workspace)
    if output == "json":
        _write_json(session, request)
        return
    count = 0
    for page in pages(session.client, request, "application/json" if output == "name" else _TABLE):
        if output == "name":
            names = [item["metadata"]["name"] for item in page.get("items") or ()]
            count += len(names)
            if names:
                say("\n".join(f"workspace.tenancy.kcp.io/{name}" for name in names))
            continue
        lines = _table(page, wide=output == "wide", header=not count)
        count += len(page.get("rows") or ())
        if page.get("rows"):
            say("\n".join(lines))
    if not count and output != "name":
        warn("No resources found")


def _table(page: dict[str, Any], wide: bool, header: bool) -> list[str]:
    """The lines of a Table: columns as wide as this page needs, three spaces between them."""
    columns = page.get("columnDefinitions") or ()
    shown = [at for at, column in enumerate(columns) if wide or not column.get("priority")]
    rows = [[str(columns[at]["name"]).upper() for at in shown]] if header else []
    for row in page.get("rows") or ():
        cells = row["cells"]
        rows.append(["" if cells[at] is None else str(cells[at]).partition("\n")[0] for at in shown])
    widths = [max(len(row[at]) for row in rows) for at in range(len(shown))]
    return [
        "   ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=True))][:-1] + row[-1:])
        for row in rows
    ]


def _write_json(session: Session, request: str) -> None:
    """One list of all pages, written page by page."""
    head, separator = '{"apiVersion": "v1", "kind": "List", "metadata": {}, "items": [', ""
    for page in pages(session.client, request):
        lines = [json.dumps(item) for item in page.get("items") or ()]
        if lines:
            say(head + separator + "\n" + ",\n".join(lines))
            head, separator = "", ","
    say(head + "]}")
