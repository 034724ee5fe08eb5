"""Large bodies are worked on off the event loop, so that one client's do not make all others wait.

Reading 3 MB of YAML takes most of a second. Beyond a size it happens in a thread: the interpreter then takes turns, so
the loop runs on at half its speed for that long instead of standing still. There is one such thread, because more would
only take more turns from the loop; whoever sends large bodies waits for others who do. What is small stays where it is:
handing over costs more than parsing it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar, TypeVarTuple

LARGE = 128 << 10
"""Bytes of a body from which on it is worked on in the thread."""
TURN_SECONDS = 0.001
"""How long the thread works before the loop, if it has something to do, goes on."""

Arguments = TypeVarTuple("Arguments")
Given = TypeVar("Given")


@cache
def _worker() -> ThreadPoolExecutor:
    sys.setswitchinterval(TURN_SECONDS)
    return ThreadPoolExecutor(1, "large-bodies")


async def off_loop(function: Callable[[*Arguments], Given], *arguments: *Arguments) -> Given:
    """What `function` gives for these arguments, called in the thread. It must not touch what the loop works with."""
    return await asyncio.get_running_loop().run_in_executor(_worker(), function, *arguments)
