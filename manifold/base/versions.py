"""Versions of an API (`v1`, `v2beta1`), and which of them come first."""

from __future__ import annotations

import re

_VERSION = re.compile(r"v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?")
_MATURITY = {"": 2, "beta": 1, "alpha": 0}


def version_rank(version: str) -> tuple[int, int, int, str]:
    """Sort key that puts the version a client should prefer first: GA, beta, alpha, each with high numbers first, then
    everything else by name (the order of versions in a CustomResourceDefinition).
    """
    match = _VERSION.fullmatch(version)
    if match is None:
        return (1, 0, 0, version)
    major, maturity, minor = match.groups()
    return (0, -_MATURITY[maturity or ""], -int(major), f"{-int(minor or 0) + 10**9:010d}")
