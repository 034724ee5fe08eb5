"""Durations as Go writes them: `30s`, `1m30s`, `1.5h`, `300ms`."""

from __future__ import annotations

import re

from manifold.cli.workspaces.failures import CommandError

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)", re.ASCII)


def seconds(text: str, flag: str) -> float:
    """The seconds of a duration. Raises CommandError, naming the flag, for what is none."""
    if text == "0":
        return 0.0
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise CommandError(
            f'invalid argument "{text}" for "--{flag}" flag: it must be a duration, such as 30s or 1m30s'
        )
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)
