"""Static tokens: their file, and that they are not kept in clear."""

from __future__ import annotations

from pathlib import Path

import pytest

from manifold.auth.authentication.static import (
    StaticTokens,
    TokenFileError,
    digest,
    parse_token_file,
    read_token_file,
)
from manifold.base.user import User

FILE = """\
user-1-token,user-1,1111-uid,"team-1"
admin-token,admin,5555-uid,"system:masters, other"

plain,plain,9
"""


def tokens_of(tokens: StaticTokens, *names: str) -> list[User | None]:
    return [tokens.user(digest(name)) for name in names]


def test_a_token_file(tmp_path: Path) -> None:
    path = tmp_path / "tokens.csv"
    path.write_text(FILE)
    found = tokens_of(read_token_file(path), "user-1-token", "admin-token", "plain", "none")
    assert found == [
        User("user-1", "1111-uid", ("team-1",)),
        User("admin", "5555-uid", ("system:masters", "other")),
        User("plain", "9"),
        None,
    ]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("a,b,c\nsecret,b\n", 2, "at least 3 columns"),
        ("a,b,c\n\n,b,c\n", 3, "token is empty"),
        ("secret,,c\n", 1, "user name is empty"),
        ('secret,b,c,"open\n', 1, "unexpected end of data"),
    ],
)
def test_a_wrong_token_file_names_the_line_and_no_token(text: str, line: int, why: str) -> None:
    with pytest.raises(TokenFileError) as raised:
        parse_token_file(text, "tokens.csv")
    assert f"token file tokens.csv, line {line}: " in str(raised.value)
    assert why in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_token_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(TokenFileError, match="No such file"):
        read_token_file(tmp_path / "absent")
    (tmp_path / "latin").write_bytes(b"a,b,c\n\xe4,b,c\n")
    with pytest.raises(TokenFileError, match="line 2: not UTF-8"):
        read_token_file(tmp_path / "latin")


def test_no_token_is_kept_in_clear() -> None:
    tokens = StaticTokens({"very-secret": User("u")})
    assert "very-secret" not in repr(vars(tokens))
