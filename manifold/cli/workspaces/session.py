"""What every workspace command has: the flags, the kubeconfig, and a client of the server it names."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from manifold.base import clusters
from manifold.cli.workspaces import contexts, kubeconfig, paths
from manifold.cli.workspaces.access import access, overrides
from manifold.cli.workspaces.failures import CommandError, ServerError
from manifold.cli.workspaces.flags import Parsed

if TYPE_CHECKING:
    from manifold.cli.workspaces.client import Client

TENANCY = "/apis/tenancy.kcp.io/v1alpha1/workspaces"
PAGE = 500
"""How many objects are asked for at once, as kubectl does."""


def say(text: str) -> None:
    """A line for stdout, there at once: a reader at a pipe must not wait for a buffer."""
    print(text, flush=True)


def warn(text: str) -> None:
    """A line for stderr."""
    print(text, file=sys.stderr, flush=True)


@dataclass(slots=True)
class Session:
    """One command's view of the world. Nothing is read or connected before it is needed."""

    flags: Parsed
    files: kubeconfig.Files
    patience: float = 0
    """Seconds to wait for a server, asked once; 0 for the client's own patience, which asks again."""
    agent: str = "kubectl-ws"
    _loaded: kubeconfig.Kubeconfig | None = None
    _client: Client | None = None

    @property
    def kubeconfig(self) -> kubeconfig.Kubeconfig:
        """The kubeconfig as it was when it was first needed."""
        if self._loaded is None:
            self._loaded = self.files.load()
        return self._loaded

    @property
    def context_name(self) -> str:
        """The context in force: --context, or the current one."""
        return self.flags.text("context") or self.kubeconfig.current_context

    @property
    def url(self) -> str:
        """The server of the context in force, flags laid over."""
        _, cluster = contexts.pair(self.kubeconfig, self.context_name)
        return str(overrides(self.flags)[0].get("server") or cluster.text("server"))

    @property
    def place(self) -> paths.Place:
        """Where the context in force points."""
        return paths.place(self.url)

    @property
    def client(self) -> Client:
        """A client of the server, at the URL before `/clusters/`."""
        if self._client is None:
            from manifold.cli.workspaces.client import Client

            reached = access(self.kubeconfig, self.context_name, self.flags)
            base, verbosity = paths.place(reached.server).base, self.flags.number("v", 0)
            self._client = Client(base, reached, warn, verbosity=verbosity, agent=self.agent)
            if self.patience:
                self._client.timeout, self._client.retries = self.patience, 0
        return self._client

    def resolve(self, argument: str) -> str:
        """The path an argument leads to, asking the server for the home workspace if need be."""
        target = paths.resolve(argument, self.place.path, self.url, os.environ.get("HOME", ""))
        if target.note:
            warn(target.note)
        if not target.home:
            return target.path
        home = self.client.get(f"{clusters.request_path(clusters.ROOT)}{TENANCY}/~")
        path = paths.place((home.get("spec") or {}).get("URL") or "").path
        if not path:
            raise CommandError("the home workspace has no URL yet")
        return clusters.join(path, target.path) if target.path else path

    @property
    def workspace(self) -> str:
        """The path of the workspace that a command is about: --workspace, or the current one."""
        given = self.flags.text("workspace")
        if given:
            return self.resolve(given)
        if not self.place.path:
            raise CommandError(f'current config context URL "{self.url}" does not point to workspace')
        return self.place.path


def collection(path: str) -> str:
    """The request path of the workspaces in the workspace at `path`."""
    return f"{clusters.request_path(quote(path, safe=':'))}{TENANCY}"


def pages(
    client: Client,
    request: str,
    accept: str = "application/json",
    continuation: str = "",
    limit: int = PAGE,
    **query_of_all: str,
) -> Iterator[dict[str, Any]]:
    """A list, page by page, from `continuation` on, `limit` at a time. One that has grown too old meanwhile goes on as
    of now. `query_of_all` is asked with every page.
    """
    while True:
        query = query_of_all | {"limit": str(limit)} | ({"continue": continuation} if continuation else {})
        try:
            page = client.get(f"{request}?{urlencode(query)}", accept)
        except ServerError as error:
            if error.code != 410 or not error.continuation or error.continuation == continuation:
                raise
            continuation = error.continuation
            continue
        yield page
        continuation = (page.get("metadata") or {}).get("continue") or ""
        if not continuation:
            return
