"""The string format `email`: a mailbox of RFC 5322 as Go's net/mail reads it, with or without a display name.

`a@b`, `"a b"@c (comment)`, `A. B. <a@b>` and the group `A: a@b;` of one address are mailboxes. Characters beyond ASCII
are good everywhere, as in RFC 6532.
"""

from __future__ import annotations

import re

_ATOM = re.compile(r"[!#-'*+\-./0-9=?A-Z^_`a-z{|}~\x80-\U0010ffff]+")
_QUOTED = re.compile(r'"((?:[ \t!#-\[\]-~\x80-\U0010ffff]|\\[ \t!-~\x80-\U0010ffff])*)"')
_LITERAL = re.compile(r"\[([!-Z^-~\x80-\U0010ffff]*)\]")
_SPACE = " \t"


class _MailError(Exception):
    """It is no mailbox."""


def is_email(text: str) -> bool:
    """Whether a text is exactly one mailbox."""
    try:
        count, rest = _address(text, group=True)
        return count == 1 and not _skip_comments(rest)
    except _MailError:
        return False


def _address(text: str, group: bool) -> tuple[int, str]:
    """How many mailboxes an address at the beginning has, and what is behind it."""
    text = text.lstrip(_SPACE)
    try:
        rest = _mailbox(text).lstrip(_SPACE)
    except _MailError:
        pass
    else:
        return 1, _comment(rest[1:]) if rest.startswith("(") else rest
    if not text.startswith("<"):
        text = _phrase(text)
    text = text.lstrip(_SPACE)
    if group and text.startswith(":"):
        return _group(text[1:])
    if not text.startswith("<"):
        raise _MailError
    rest = _mailbox(text[1:])
    if not rest.startswith(">"):
        raise _MailError
    return 1, rest[1:]


def _mailbox(text: str) -> str:
    """What is behind the `addr-spec` at the beginning."""
    text = text.lstrip(_SPACE)
    if text.startswith('"'):
        quoted = _QUOTED.match(text)
        if quoted is None or not quoted[1]:
            raise _MailError
        text = text[quoted.end() :]
    else:
        text = _dot_atom(text)
    if not text.startswith("@"):
        raise _MailError
    text = text[1:].lstrip(_SPACE)
    if not text.startswith("["):
        return _dot_atom(text)
    from manifold.schema.structural.internet import is_ip

    literal = _LITERAL.match(text)
    if literal is None or not is_ip(literal[1]):
        raise _MailError
    return text[literal.end() :]


def _dot_atom(text: str) -> str:
    atom = _ATOM.match(text)
    if atom is None or atom[0].startswith(".") or atom[0].endswith(".") or ".." in atom[0]:
        raise _MailError
    return text[atom.end() :]


def _phrase(text: str) -> str:
    """What is behind one or more words."""
    words = 0
    while True:
        text = _skip_comments(text) if words else text.lstrip(_SPACE)
        word = _QUOTED.match(text) if text.startswith('"') else _ATOM.match(text)
        if word is None:
            break
        words += 1
        text = text[word.end() :]
    if text and not words:
        raise _MailError
    return text


def _group(text: str) -> tuple[int, str]:
    text = text.lstrip(_SPACE)
    if text.startswith(";"):
        return 0, _skip_comments(text[1:])
    count = 0
    while True:
        found, text = _address(text, group=False)
        count += found
        text = _skip_comments(text)
        if text.startswith(";"):
            return count, _skip_comments(text[1:])
        if not text.startswith(","):
            raise _MailError
        text = text[1:]


def _skip_comments(text: str) -> str:
    text = text.lstrip(_SPACE)
    while text.startswith("("):
        text = _comment(text[1:]).lstrip(_SPACE)
    return text


def _comment(text: str) -> str:
    """What is behind a comment whose parenthesis has been opened."""
    depth, at = 1, 0
    while depth and at < len(text):
        if text[at] == "\\" and at + 1 < len(text):
            at += 1
        elif text[at] == "(":
            depth += 1
        elif text[at] == ")":
            depth -= 1
        at += 1
    if depth:
        raise _MailError
    return text[at:]
