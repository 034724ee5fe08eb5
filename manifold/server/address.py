"""Under which names and URLs a process is reached.

Guarantees: URLs carry the port that was really bound, and the serving certificate covers every host that appears in
them (sections 1.1 and 1.2 of the tenancy reference).
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from manifold.server.settings import Settings

_ALL = ("0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class Addresses:
    """`listening` is the address bound, as a URL; the other URLs are how the process is reached. `names`
    are the hosts and IP addresses, in canonical form, that a certificate must carry.
    """

    listening: str
    base_url: str
    external_url: str
    virtual_workspace_url: str
    names: tuple[str, ...]


def addresses(settings: Settings, port: int) -> Addresses:
    """The addresses of a process that is bound to `port`."""
    bind = canonical(settings.bind_address)
    host = own_address(bind) if bind in _ALL else bind
    base = settings.shard_base_url or _url(host, port)
    external = settings.shard_external_url or base
    virtual = settings.shard_virtual_workspace_url or base
    names = {host, "localhost", "127.0.0.1", "::1"}
    machine = socket.gethostname().lower()
    if machine.isascii() and 0 < len(machine) < 64 and all(part for part in machine.split(".")):
        names.add(machine)
    names.update(canonical(urlsplit(url).hostname or host) for url in (base, external, virtual))
    return Addresses(_url(bind, port), base, external, virtual, tuple(sorted(names)))


def _url(host: str, port: int) -> str:
    return f"https://{f'[{host}]' if ':' in host else host}:{port}"


def canonical(host: str) -> str:
    """A host as a certificate carries it: IP addresses in their one canonical text form."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            return socket.inet_ntop(family, socket.inet_pton(family, host))
        except OSError:
            continue
    return host


def own_address(wildcard: str) -> str:
    """The address this machine would use to reach others. Connecting a datagram socket sends nothing."""
    attempts = [(socket.AF_INET, "192.0.2.1")]
    if wildcard == "::":
        attempts.append((socket.AF_INET6, "2001:db8::1"))
    for family, target in attempts:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((target, 9))
                return canonical(str(probe.getsockname()[0]))
        except OSError:
            continue
    return "127.0.0.1"
