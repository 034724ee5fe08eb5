"""What a process gives the shard it runs, and what it wants from it: the seam between serving and the API.

`open_shard` (in `manifold.server.shard`) takes `Surroundings` and returns a `Shard`; whoever runs the process knows
nothing of stores and verbs, and the shard nothing of sockets, files of credentials and signals.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from manifold.server.metrics import Registry
from manifold.server.settings import Settings
from manifold.server.tokens import AdminTokens

Application = Callable[[Any, Any, Any], Awaitable[None]]
"""An ASGI 3 application. `Any`, because ASGI's scope and events are dictionaries of many shapes."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A shard's surroundings.

    `base_url`, `external_url`, `virtual_workspace_url`: of this shard, with the port that was bound, without a path or
    slash at the end (Shard.spec). `tokens`: the admin tokens. `metrics`: where to add metrics. `stopping`: set when the
    process begins to stop; from then on /readyz fails, watches end, and no long request is begun.
    """

    settings: Settings
    base_url: str
    external_url: str
    virtual_workspace_url: str
    tokens: AdminTokens
    metrics: Registry
    stopping: asyncio.Event


class Shard(Protocol):
    """An open shard."""

    @property
    def app(self) -> Application:
        """What answers requests. `scope["extensions"]` has what `manifold.server.transport` promises."""

    @property
    def ready(self) -> bool:
        """Whether everything that /readyz waits for is done."""

    async def close(self) -> None:
        """Finish and close the store. Called once, after the last request has ended."""


OpenShard = Callable[[Surroundings], Awaitable[Shard]]
"""Opens a shard. Raises StoreError or FileError with a line for the operator where it cannot."""
