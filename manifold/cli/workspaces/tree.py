"""The tree of workspaces, for trees of any size.

Children are read in pages and lines are written as soon as it is known whether another follows, so the first lines of
a huge tree are there at once and memory does not grow with it. Every workspace must be asked for its children, which
costs a round trip: a few connections ask ahead of what is being written.

A reader at a terminal is shown so many children of one workspace and told how many more there are; whoever reads the
output with a program gets all, as from kcp's command, and meanwhile a terminal behind it is told how far it is.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from threading import local
from typing import Any
from urllib.parse import urlencode

from manifold.base import clusters
from manifold.cli.workspaces.client import Client
from manifold.cli.workspaces.entering import workspace_at
from manifold.cli.workspaces.failures import CommandError, ServerError
from manifold.cli.workspaces.session import PAGE, Session, collection, pages, say

CONNECTIONS = 6
"""How many connections ask at once."""
AHEAD = 24
"""How many children of one workspace are asked ahead."""
AT_A_TERMINAL = 100
"""How many children of one workspace are shown at a terminal, unless another limit is asked for."""
COUNTED = 5_000
"""How many workspaces are counted with one request where the server does not say how many remain."""
PROGRESS_SECONDS = 0.2
_CELLS_ONLY = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


def tree(session: Session, arguments: tuple[str, ...]) -> None:
    """Write the tree below the current workspace, or let the user walk through it."""
    flags = session.flags
    path = session.workspace
    if flags.on("interactive"):
        from manifold.cli.workspaces.browsing import browse

        browse(session, path)
        return
    with ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="tree") as pool:
        walk = Walk(
            session.client,
            pool,
            full=flags.on("full"),
            wide=flags.on("wide"),
            depth=flags.number("depth", 0),
            limit=flags.number("limit", AT_A_TERMINAL if sys.stdout.isatty() else 0),
            progress=Progress(sys.stderr.isatty() and not sys.stdout.isatty()),
        )
        try:
            walk.write(path)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        finally:
            walk.progress.clear()


@dataclass(slots=True)
class Progress:
    """How many workspaces have been written, for a terminal that does not see them."""

    shown: bool = False
    count: int = 0
    _told: float = field(default_factory=time.monotonic)

    def another(self) -> None:
        """One more has been written."""
        self.count += 1
        if self.shown and time.monotonic() - self._told > PROGRESS_SECONDS:
            self._told = time.monotonic()
            print(f"\r{self.count} workspaces", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Leave nothing behind."""
        if self.shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Child:
    """A workspace below another; `below` is the first page of its own children, or why there is none."""

    path: str
    workspace: dict[str, Any]
    below: Future[list[dict[str, Any]] | str] | None
    cluster_phase: Future[str] | None

    @property
    def is_mount(self) -> bool:
        """Whether it stands for something served elsewhere."""
        return bool((self.workspace.get("spec") or {}).get("mount"))


@dataclass(slots=True)
class Walk:
    """One walk over a tree. `depth` and `limit` are how deep it goes and how many children it shows; 0 for all."""

    client: Client
    pool: ThreadPoolExecutor
    full: bool = False
    wide: bool = False
    depth: int = 0
    limit: int = 0
    progress: Progress = field(default_factory=Progress)
    _of_thread: local = field(default_factory=local)

    def write(self, path: str) -> None:
        """Write the tree below `path`. Raises ServerError if its own children cannot be listed."""
        later = pages(self.client, collection(path))
        first = next(later)
        say(".")
        say(f"└── {self._top(path)}")
        for line in self._lines(self._children(path, chain([first], later), 1), "    ", 1):
            say(line)
            self.progress.another()
        say("")

    def _top(self, path: str) -> str:
        """The label of the workspace that the tree starts from."""
        text = path if self.full else clusters.base(path)
        if not self.wide:
            return text
        return f"{text}  ws={_phase(workspace_at(self.client, path)[0] or {})}  lc={self._cluster_phase(path)}"

    def _lines(self, children: Iterator[Child | str], indent: str, level: int) -> Iterator[str]:
        child = next(children, None)
        while child is not None:
            following = next(children, None)
            edge, below = ("├── ", "│   ") if following is not None else ("└── ", "    ")
            if isinstance(child, str):
                yield f"{indent}{edge}{child}"
            else:
                listed = child.below.result() if child.below else []
                yield f"{indent}{edge}{self._label(child, listed, level)}"
                if isinstance(listed, list) and not self._is_deepest(level):
                    more = self._more_pages(child.path, listed)
                    yield from self._lines(self._children(child.path, more, level + 1), indent + below, level + 1)
            child = following

    def _is_deepest(self, level: int) -> bool:
        return bool(self.depth) and level >= self.depth

    def _label(self, child: Child, listed: list[dict[str, Any]] | str, level: int) -> str:
        text = child.path if self.full else clusters.base(child.path)
        if self.wide:
            cluster = child.cluster_phase.result() if child.cluster_phase else "Unknown"
            text += f"  ws={_phase(child.workspace)}  lc={cluster}"
        if child.is_mount:
            text += " [m]"
        if isinstance(listed, str):
            text += f" ({listed})"
        elif self._is_deepest(level) and listed and listed[0].get("items"):
            text += f" (+{listed[0]['count']})"
        return text

    def _children(self, path: str, listed: Iterator[dict[str, Any]], level: int) -> Iterator[Child | str]:
        """The workspaces in `path`, those being deleted left out, each asked ahead for its own."""
        waiting: deque[Child] = deque()
        shown = 0
        for page in listed:
            items = page.get("items") or ()
            for position, workspace in enumerate(items):
                if workspace["metadata"].get("deletionTimestamp"):
                    continue
                if self.limit and shown == self.limit:
                    yield from waiting
                    yield f"... {self._total(self.client, path, page) - position} more"
                    return
                shown += 1
                waiting.append(self._asked(clusters.join(path, workspace["metadata"]["name"]), workspace, level))
                if len(waiting) > AHEAD:
                    yield waiting.popleft()
        yield from waiting

    def _asked(self, path: str, workspace: dict[str, Any], level: int) -> Child:
        spec = workspace.get("spec") or {}
        if spec.get("mount") or not spec.get("cluster"):
            return Child(path, workspace, None, None)
        below = self.pool.submit(self._below, path, 1 if self._is_deepest(level) else PAGE)
        phase = self.pool.submit(self._cluster_phase, path) if self.wide else None
        return Child(path, workspace, below, phase)

    def _below(self, path: str, limit: int) -> list[dict[str, Any]] | str:
        """The first page of the workspaces in `path`, or why it cannot be had."""
        try:
            client = self._client_of_thread()
            page = client.get(f"{collection(path)}?{urlencode({'limit': limit})}")
            if limit == 1:
                page["count"] = self._total(client, path, page)
            return [page]
        except ServerError as error:
            if error.code == 403:
                return "no access"
            return [] if error.code == 404 else error.generic

    def _more_pages(self, path: str, listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        yield from listed
        if listed and (listed[0].get("metadata") or {}).get("continue"):
            later = pages(self.client, collection(path), continuation=listed[0]["metadata"]["continue"])
            yield from later

    def _total(self, client: Client, path: str, page: dict[str, Any]) -> int:
        """How many workspaces there are in `path` from the beginning of a page on; counted where it does not say."""
        metadata, count = page.get("metadata") or {}, len(page.get("items") or ())
        rest = metadata.get("continue") or ""
        if not rest or "remainingItemCount" in metadata:
            return count + int(metadata.get("remainingItemCount") or 0)
        cells = pages(client, collection(path), _CELLS_ONLY, rest, limit=COUNTED, includeObject="None")
        return count + sum(len(one.get("rows") or one.get("items") or ()) for one in cells)

    def _cluster_phase(self, path: str) -> str:
        try:
            cluster = self._client_of_thread().get(
                f"{clusters.request_path(path)}/apis/core.kcp.io/v1alpha1/logicalclusters/cluster"
            )
        except CommandError:
            return "Unknown"
        return (cluster.get("status") or {}).get("phase") or "Unknown"

    def _client_of_thread(self) -> Client:
        client: Client | None = getattr(self._of_thread, "client", None)
        if client is None:
            client = self._of_thread.client = self.client.another()
        return client


def _phase(workspace: dict[str, Any]) -> str:
    return (workspace.get("status") or {}).get("phase") or "-"
