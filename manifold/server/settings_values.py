"""How the text of a setting becomes its value: one function per kind of value.

Each takes the text as given (flag, environment and file alike) and returns the value, or raises ValueError with a text
that says what the value must be. The texts about batteries and feature gates are kcp's and Kubernetes' own (section
1.5 of the tenancy reference), because scripts match on them.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

BATTERIES = ("admin", "metrics-viewer", "user", "workspace-types")
DEFAULT_BATTERIES = ("admin", "workspace-types")

GATES: Mapping[str, bool] = {
    "CacheAPIs": False,
    "EnableDeprecatedAPIExportVirtualWorkspacesUrls": False,
    "GlobalServiceAccount": True,
    "LogicalClusterMigration": False,
    "StorageVersionAPI": False,
    "WorkspaceAuthentication": False,
    "WorkspaceMounts": False,
}
"""The gates of section 1.6 of the tenancy reference with their defaults. Those that are not in OPEN_GATES are locked to
what this version does: naming one with that value is harmless, asking for the other is refused rather than ignored."""
OPEN_GATES = frozenset(("WorkspaceMounts",))


def text(value: str) -> str:
    """Any text but none."""
    if not value:
        raise ValueError("is empty; give a value or leave the setting out")
    return value


def path(value: str) -> Path:
    """A path; relative ones are completed by the caller."""
    if "\0" in value:
        raise ValueError("a path cannot contain a NUL character")
    return Path(text(value)).expanduser()


def port(value: str) -> int:
    """A TCP port; 0 asks for a free one."""
    number = whole(value)
    if number > 65535:
        raise ValueError(f"{value} is no port; give a number from 0 (any free port) to 65535")
    return number


def whole(value: str) -> int:
    """A number of at least 0."""
    if not re.fullmatch(r"[0-9]{1,9}", value):
        raise ValueError(f'"{value}" is no whole number of at least 0')
    return int(value)


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def duration(value: str) -> float:
    """A length of time as Go writes it: `5m`, `1h30m`, `250ms`. In seconds."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", value)
    if not parts or "".join(number + unit for number, unit in parts) != value:
        raise ValueError(f'"{value}" is no length of time such as 30s, 5m or 1h30m')
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def boolean(value: str) -> bool:
    """true or false, in the spellings Go's flags take."""
    if value in ("true", "True", "TRUE", "t", "T", "1"):
        return True
    if value in ("false", "False", "FALSE", "f", "F", "0"):
        return False
    raise ValueError(f'"{value}" is neither true nor false')


def address(value: str) -> str:
    """An IPv4 or IPv6 address to listen on."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, value)
        except (OSError, ValueError):
            continue
        return value
    raise ValueError(f'"{value}" is no IP address; give one such as 127.0.0.1, 0.0.0.0 or ::1')


def listed(value: str) -> tuple[str, ...]:
    """A comma-separated list; the empty text is the empty list."""
    return tuple(item for item in (part.strip() for part in value.split(",")) if item)


def paths(value: str) -> tuple[str, ...]:
    """A list of URL paths, each with a leading slash, where a trailing `*` matches the rest."""
    items = listed(value)
    for item in items:
        if not item.startswith("/"):
            raise ValueError(f'"{item}" is no URL path; begin it with a slash')
        if "*" in item[:-1]:
            raise ValueError(f'"{item}": "*" is only understood at the end')
    return items


def url(value: str) -> str:
    """The base URL of a server: https, a host, perhaps a port, and nothing behind it."""
    try:
        parts = urlsplit(value)
        good = parts.scheme == "https" and bool(parts.hostname) and value.isascii() and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError(f'"{value}" is no URL of a server; give one such as https://host:6443')
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f'"{value}" must be scheme, host and port only, such as https://host:6443')
    return f"https://{parts.netloc}"


def shard_name(value: str) -> str:
    """The name of this shard. One process alone is the root shard, whose name is part of the protocol."""
    if value != "root":
        raise ValueError(f'"{value}" is not possible: this process serves the root shard, which is named root')
    return value


def batteries(value: str) -> frozenset[str]:
    """Which batteries are included: a list replaces the defaults, `+x` and `-x` change them (section 1.5)."""
    items = listed(value)
    signed = [item[0] in "+-" for item in items]
    if any(signed) and not all(signed):
        raise ValueError("--batteries-included must all be prefixed with + or - or none")
    for item in items:
        if item.lstrip("+-") not in BATTERIES:
            raise ValueError(f"unknown battery: {item.lstrip('+-')} (there are: {', '.join(BATTERIES)})")
    if not any(signed):
        return frozenset(items)
    included = set(DEFAULT_BATTERIES)
    for item in items:
        if item[0] == "+":
            included.add(item[1:])
        else:
            included.discard(item[1:])
    return frozenset(included)


def gates(value: str) -> dict[str, bool]:
    """`Name=true,Other=false`, in Kubernetes' form and with its refusals."""
    chosen: dict[str, bool] = {}
    for item in listed(value):
        name, equals, word = item.partition("=")
        if not equals:
            raise ValueError(f"missing bool value for {name}; write {name}=true or {name}=false")
        try:
            wanted = boolean(word)
        except ValueError:
            raise ValueError(f"invalid value of {name}={word}; write true or false") from None
        if name not in GATES:
            raise ValueError(f"unrecognized feature gate: {name} (there are: {', '.join(GATES)})")
        if wanted != GATES[name] and name not in OPEN_GATES:
            locked = str(GATES[name]).lower()
            raise ValueError(f"cannot set feature gate {name} to {word}, feature is locked to {locked}")
        chosen[name] = wanted
    return chosen
