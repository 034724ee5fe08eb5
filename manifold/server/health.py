"""Health checks and the version document, as pure functions that the application puts behind their paths.

Guarantees the answers of Kubernetes' /livez, /readyz and /healthz, with `?verbose`, `?exclude=` and one path per check
(section 1.4 of the tenancy reference): 200 `ok` or 500 with a list, where why a check failed is told only to the
log, because anyone may ask.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

import orjson

from manifold import __version__

KINDS = ("livez", "readyz", "healthz")
KUBERNETES = "1.36.0"
_TEXT = "text/plain; charset=utf-8"

logger = logging.getLogger("manifold.health")


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer: HTTP status, Content-Type, body."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `failure()` returns why it fails, or an empty text; it must be quick. `kinds`: where it is asked."""

    name: str
    failure: Callable[[], str]
    kinds: tuple[str, ...] = KINDS


def passing() -> str:
    """The failure of a check that passes because it could be asked at all."""
    return ""


PING = Check("ping", passing)
LOG = Check("log", passing)


def answer(path: str, query: bytes, checks: Sequence[Check]) -> Answer:
    """The answer to `path` (`/livez`, `/readyz/etcd`, ...), 404 where there is no such check.

    `query` is the raw query string; `checks` are all checks of the process, in the order to be shown.
    """
    kind, _, name = path.lstrip("/").partition("/")
    asked = [check for check in checks if kind in check.kinds]
    if name:
        for check in asked:
            if check.name == name:
                return _single(check)
        return Answer(404, _TEXT, b"404 page not found\n")
    parameters = parse_qs(query.decode("latin-1"), keep_blank_values=True)
    excluded = dict.fromkeys(parameters.get("exclude", ()))
    lines = []
    failed = False
    for check in asked:
        if check.name in excluded:
            excluded.pop(check.name)
            lines.append(f"[+]{check.name} excluded: ok\n")
            continue
        why = check.failure()
        if why:
            failed = True
            logger.warning("%s check %s failed: %s", kind, check.name, why)
            lines.append(f"[-]{check.name} failed: reason withheld\n")
        else:
            lines.append(f"[+]{check.name} ok\n")
    if excluded:
        names = ",".join(f'"{word}"' for word in excluded)
        lines.append(f"warn: some health checks cannot be excluded: no matches for {names}\n")
    if failed:
        return Answer(500, _TEXT, f"{''.join(lines)}{kind} check failed\n".encode())
    if "verbose" not in parameters:
        return Answer(200, _TEXT, b"ok")
    return Answer(200, _TEXT, f"{''.join(lines)}{kind} check passed\n".encode())


def _single(check: Check) -> Answer:
    why = check.failure()
    if why:
        logger.warning("check %s failed: %s", check.name, why)
        return Answer(500, _TEXT, b"internal server error: reason withheld\n")
    return Answer(200, _TEXT, b"ok")


def version_document() -> bytes:
    """The body of /version (version.Info) as JSON. Where Go is meant, what runs instead is said."""
    system, machine = os.uname().sysname.lower(), os.uname().machine
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
    document = {
        "major": "1",
        "minor": "36",
        "emulationMajor": "1",
        "emulationMinor": "36",
        "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35",
        "gitVersion": f"v{KUBERNETES}+manifold-{__version__}",
        "gitCommit": f"manifold-{__version__}",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{'.'.join(map(str, sys.version_info[:3]))}",
        "compiler": sys.implementation.name,
        "platform": f"{system}/{architecture}",
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)
