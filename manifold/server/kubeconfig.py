"""The admin kubeconfig: how a newcomer gets in, and a file the user may edit.

Guarantees: clusters, contexts and users named as kcp's (section 1.3 of the tenancy reference) are brought up to date
at every start; everything else in the file, and the chosen context, is left as the user made it. It is
written only when something changes, in one step, readable by its owner alone.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manifold.server import files
from manifold.server.files import FileError
from manifold.server.tokens import KCP_ADMIN, SHARD_ADMIN, USER

Document = dict[str, Any]
"""A kubeconfig (client.authentication v1 Config) as plain YAML data; parts a user added are of any shape."""

_CONTEXTS = (
    ("root", "root", KCP_ADMIN),
    ("base", "base", KCP_ADMIN),
    ("shard-base", "base", SHARD_ADMIN),
    ("system:admin", "system:admin", SHARD_ADMIN),
)
_USER_CONTEXT = ("user", "root", USER)


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """The file as it is: its parsed `document` and its bytes; both empty where there is none."""

    path: Path
    document: Document
    content: bytes | None

    def tokens(self) -> dict[str, str]:
        """User name to token, of the users that have one."""
        found = {}
        for entry in self.document.get("users", ()):
            token = (entry.get("user") or {}).get("token")
            if isinstance(token, str):
                found[entry["name"]] = token
        return found


def load(path: Path) -> Kubeconfig:
    """The kubeconfig at `path`. Raises FileError where it is there and is none."""
    content = files.read(path)
    if content is None or not content.strip():
        return Kubeconfig(path, {}, content)
    import yaml

    broken = FileError(f"{path} is no kubeconfig; mend it, or move it away and delete the token store to start anew")
    try:
        document = yaml.load(content, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise broken from None
    if not isinstance(document, dict):
        raise broken
    for key in ("clusters", "contexts", "users"):
        entries = document.get(key)
        if entries is None:
            document.pop(key, None)
        elif not isinstance(entries, list) or any(
            not isinstance(entry, dict)
            or not isinstance(entry.get("name"), str)
            or not isinstance(entry.get(key[:-1]) or {}, dict)
            for entry in entries
        ):
            raise broken
    return Kubeconfig(path, document, content)


def update(current: Kubeconfig, base_url: str, authority: bytes, tokens: Mapping[str, str]) -> bytes | None:
    """The new content of the file, or None where it needs no change.

    `base_url` is the server without a path, `authority` the PEM certificates clients shall trust, `tokens` user name to
    token. The entries of the battery `user` are dropped where `tokens` has none for it, unless the user changed them.
    """
    document = dict(current.document)
    document.setdefault("apiVersion", "v1")
    document.setdefault("kind", "Config")
    document.setdefault("preferences", {})
    trusted = base64.b64encode(authority).decode()
    paths = {"base": "", "root": "/clusters/root", "system:admin": "/clusters/system:admin"}
    clusters = {
        name: {"certificate-authority-data": trusted, "server": base_url + path} for name, path in paths.items()
    }
    wanted = [*_CONTEXTS, *([_USER_CONTEXT] if USER in tokens else [])]
    contexts = {name: {"cluster": cluster, "user": user} for name, cluster, user in wanted}
    users = {name: {"token": token} for name, token in tokens.items()}
    stale = _stale(document) if USER not in tokens else set()
    document["clusters"] = _merged(document.get("clusters"), "cluster", clusters, set())
    document["contexts"] = _merged(
        document.get("contexts"), "context", contexts, stale, keep=("namespace", "extensions")
    )
    document["users"] = _merged(document.get("users"), "user", users, stale)
    chosen = document.get("current-context")
    if chosen not in {entry["name"] for entry in document["contexts"]}:
        document["current-context"] = "root"
    if document == current.document:
        return None
    import yaml

    return yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=True, default_flow_style=False).encode()


def _merged(
    entries: list[Document] | None, key: str, ours: Mapping[str, Document], stale: set[str], keep: tuple[str, ...] = ()
) -> list[Document]:
    """`entries` with ours put in, in place where they are there; fields in `keep` are the user's even in ours."""
    merged = []
    missing = dict(ours)
    for entry in entries or ():
        name = entry["name"]
        if name in stale and name not in ours:
            continue
        if name in missing:
            kept = {field: value for field, value in (entry.get(key) or {}).items() if field in keep}
            merged.append({"name": name, key: {**kept, **missing.pop(name)}})
        elif name not in ours:
            merged.append(entry)
    merged.extend({"name": name, key: value} for name, value in missing.items())
    return merged


def _stale(document: Document) -> set[str]:
    """{"user"} where the file still has the context and user of a battery that is off, just as they were written."""
    for entry in document.get("contexts") or ():
        if entry["name"] == USER and entry.get("context") != {"cluster": "root", "user": USER}:
            return set()
    for entry in document.get("users") or ():
        if entry["name"] == USER and set(entry.get("user") or {}) != {"token"}:
            return set()
    return {USER}
