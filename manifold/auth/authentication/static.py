"""Tokens known beforehand: those of the administrators and those of a token file.

Only SHA-256 digests are kept. A token is looked up by its digest, so comparing takes no time that depends on the token.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from hashlib import sha256
from io import StringIO
from pathlib import Path

from manifold.base.user import User


class TokenFileError(ValueError):
    """A token file cannot be used; the message names the file and the line."""


def digest(token: str) -> bytes:
    """What is kept of a token."""
    return sha256(token.encode(errors="surrogateescape")).digest()


class StaticTokens:
    """Users by the digest of their token."""

    def __init__(self, tokens: Mapping[str, User] | None = None) -> None:
        self._users: dict[bytes, User] = {digest(token): user for token, user in (tokens or {}).items()}

    def __len__(self) -> int:
        return len(self._users)

    def add(self, token: str, user: User) -> None:
        """Accept a token from now on."""
        self._users[digest(token)] = user

    def add_digest(self, token_digest: bytes, user: User) -> None:
        """Accept the token with this SHA-256 digest, which is all that may be known of it."""
        self._users[token_digest] = user

    def add_all(self, other: StaticTokens) -> None:
        """Accept the tokens of `other` too."""
        self._users.update(other._users)

    def user(self, token_digest: bytes) -> User | None:
        """Whose token it is, or None."""
        return self._users.get(token_digest)


def parse_token_file(text: str, name: str) -> StaticTokens:
    """The tokens of a CSV file: `token,user,uid` and, as a fourth column, `"group1,group2"`.

    The format is that of Kubernetes' static token file; empty lines are skipped, of two equal tokens the later counts.
    Raises TokenFileError; `name` is the file's name for the message. A token never appears in a message.
    """
    tokens = StaticTokens()
    reader = csv.reader(StringIO(text), strict=True)
    try:
        for row in reader:
            if not row:
                continue
            where = f"token file {name}, line {reader.line_num}"
            fields = [field.strip() for field in row]
            if len(fields) < 3:
                found = len(fields)
                raise TokenFileError(f"{where}: needs at least 3 columns (token, user name, user uid), found {found}")
            token, user, uid = fields[:3]
            if not token:
                raise TokenFileError(f"{where}: the token is empty")
            if not user:
                raise TokenFileError(f"{where}: the user name is empty")
            groups = tuple(group.strip() for group in fields[3].split(",")) if len(fields) > 3 and fields[3] else ()
            tokens.add(token, User(user, uid, tuple(group for group in groups if group)))
    except csv.Error as error:
        raise TokenFileError(f"token file {name}, line {reader.line_num}: {error}") from error
    return tokens


def read_token_file(path: Path) -> StaticTokens:
    """The tokens of the file at `path`; see `parse_token_file`. Raises TokenFileError where it cannot be read, too."""
    try:
        return parse_token_file(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise TokenFileError(f"token file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise TokenFileError(f"token file {path}, line {line}: not UTF-8 text") from error
