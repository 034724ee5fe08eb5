"""Admin tokens: the credentials a newcomer finds in the kubeconfig, the same after every restart.

Guarantees: a token is known in two places only, the kubeconfig (the token) and the token store (its SHA-256 digest), so
that a leaked store cannot be replayed. Tokens outlive restarts, unlike kcp's (section 1.3 of the tenancy
reference): a client that holds one goes on working. Where the two files disagree nothing is guessed: start fails
and says which file to remove.

A token is 32 random bytes, so one plain SHA-256 is enough: there is nothing to try out.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from manifold.base.user import AUTHENTICATED, MASTERS, User
from manifold.server import files
from manifold.server.files import FileError

KCP_ADMIN = "kcp-admin"
SHARD_ADMIN = "shard-admin"
USER = "user"
_GROUPS: Mapping[str, tuple[str, ...]] = {
    KCP_ADMIN: ("system:kcp:admin", AUTHENTICATED),
    SHARD_ADMIN: (MASTERS, AUTHENTICATED),
    USER: (AUTHENTICATED,),
}


@dataclass(frozen=True, slots=True)
class AdminTokens:
    """`tokens`: user name to token, for the kubeconfig. `users`: SHA-256 digest (32 bytes) of a token to whom it is."""

    tokens: Mapping[str, str]
    users: Mapping[bytes, User]

    def find(self, token: str) -> User | None:
        """The user a bearer token stands for, or None. Looking up by digest tells a caller nothing by its timing."""
        return self.users.get(hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest())


NO_TOKENS = AdminTokens({}, {})
"""Of a server without battery admin."""


def load(store: Path, known: Mapping[str, str], kubeconfig: Path, with_user: bool) -> tuple[AdminTokens, bytes | None]:
    """The admin tokens, and the new content of the store where it changes.

    `known` are the tokens the kubeconfig holds now, by user name. The caller writes the kubeconfig first and
    the store second: if it dies in between, the next start issues new tokens instead of failing.
    Raises FileError where store and kubeconfig disagree.
    """
    content = files.read(store)
    recorded = _recorded(store, content) if content is not None else {}
    tokens: dict[str, str] = {}
    users: dict[bytes, User] = {}
    record: dict[str, dict[str, str]] = {}
    for name in (KCP_ADMIN, SHARD_ADMIN, USER) if with_user else (KCP_ADMIN, SHARD_ADMIN):
        if name in recorded:
            token, digest, uid = known.get(name, ""), recorded[name]["sha256"], recorded[name]["uid"]
            if not token:
                raise FileError(
                    f"cannot create the '{kubeconfig.name}' file with an empty token: {store} knows only the digest of "
                    f"the token of {name}; restore {kubeconfig}, or delete {store} to issue new tokens"
                )
            if _digest(token) != digest:
                raise FileError(
                    f"the token of {name} in {kubeconfig} is not the one {store} has the digest of; restore the one "
                    f"that belongs to the other, or delete the file {store} to issue new tokens"
                )
        else:
            token, uid = secrets.token_urlsafe(32), _uid()
            digest = _digest(token)
        tokens[name] = token
        users[bytes.fromhex(digest)] = User(name, uid, _GROUPS[name])
        record[name] = {"sha256": digest, "uid": uid}
    changed = orjson.dumps({"version": 1, "tokens": record}, option=orjson.OPT_INDENT_2) + b"\n"
    return AdminTokens(tokens, users), changed if changed != content else None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _uid() -> str:
    """A random UUID (RFC 9562, version 4) without importing the module for it."""
    octets = bytearray(os.urandom(16))
    octets[6] = octets[6] & 0x0F | 0x40
    octets[8] = octets[8] & 0x3F | 0x80
    text = octets.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _recorded(store: Path, content: bytes) -> dict[str, dict[str, str]]:
    """What a store says: user name to {"sha256": hex, "uid": text}."""
    broken = FileError(f"{store} is no token store of this version; delete the file {store} to issue new tokens")
    try:
        document = orjson.loads(content)
        entries = document["tokens"]
        version = document["version"]
        found = {name: {"sha256": str(entry["sha256"]), "uid": str(entry["uid"])} for name, entry in entries.items()}
        sizes = {len(bytes.fromhex(entry["sha256"])) for entry in found.values()}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise broken from None
    if version != 1 or sizes - {32}:
        raise broken
    return found
