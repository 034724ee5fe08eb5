"""String formats of the internet: addresses, host names, URIs.

They accept what Kubernetes accepts, which is what Go's packages parse (net, net/url) and, for host names, a pattern of
its own: labels and a last one of letters alone, or one label with at most a dash behind its first character. Leading
zeros in the numbers of an address are let through where objects may have been stored with them before.
"""

from __future__ import annotations

import re
from unicodedata import category

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")
_USER = re.compile(r"[A-Za-z0-9._:~!$&'()*+,;=%@-]*\Z")
_HOST = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:\[\]<>\"-]|[^\x00-\x7f]|%25|%[89a-fA-F][0-9a-fA-F])*\Z")
_PORT = re.compile(r"(?::[0-9]*)?\Z")
_MACS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for size in (6, 8, 20)
    for pattern in (
        rf"[0-9a-f]{{2}}([:-])(?:[0-9a-f]{{2}}\1){{{size - 2}}}[0-9a-f]{{2}}\Z",
        rf"(?:[0-9a-f]{{4}}\.){{{size // 2 - 1}}}[0-9a-f]{{4}}\Z",
        rf"(?:[0-9a-f]{{2}}){{{size}}}\Z",
    )
)


def is_mac(text: str) -> bool:
    """A hardware address of 6, 8 or 20 bytes."""
    return any(pattern.match(text) for pattern in _MACS)


def _is_letter(character: str) -> bool:
    return (character.isascii() and character.isalpha()) or category(character)[0] == "L"


def _in_label(character: str) -> bool:
    return (character.isascii() and character.isalnum()) or category(character)[0] in "LS"


def is_hostname(text: str) -> bool:
    """A host name of at most 255 bytes, with labels of at most 63."""
    labels = text.split(".")
    if not text or len(text.encode()) > 255 or any(len(label.encode()) > 63 for label in labels):
        return False
    if len(labels) == 1:
        rest = text[1:].removeprefix("-")
        return _in_label(text[0]) and len(rest) <= 62 and all(map(_in_label, rest))
    last = labels.pop()
    if not (len(last) >= 2 and all(map(_is_letter, last))):
        return False
    return all(
        label
        and _in_label(label[0])
        and _in_label(label[-1])
        and all(character == "-" or _in_label(character) for character in label)
        for label in labels
    )


def is_uri(text: str) -> bool:
    """A request URI: absolute, or an absolute path. A fragment is part of the path."""
    if not text or any(character < " " or character == "\x7f" for character in text):
        return False
    if text == "*":
        return True
    if text.startswith(":"):
        return False
    scheme = _SCHEME.match(text)
    rest = (text[scheme.end() :] if scheme is not None else text).partition("?")[0]
    if not rest.startswith("/"):
        return scheme is not None
    if scheme is not None and rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        return _is_authority(authority, scheme[1].lower()) and not _BAD_ESCAPE.search(slash + path)
    return not _BAD_ESCAPE.search(rest)


def _is_authority(authority: str, scheme: str) -> bool:
    user, at, host = authority.rpartition("@")
    if at and (not _USER.match(user) or _BAD_ESCAPE.search(user)):
        return False
    opened, closed = host.rfind("["), host.rfind("]")
    if opened > 0:
        return False
    if opened == 0:
        address, _, zone = host[1:closed].partition("%25")
        return closed > 0 and bool(_PORT.match(host[closed + 1 :])) and is_ipv6(address) and "%" not in zone
    colon = host.find(":") if scheme in ("http", "https") else host.rfind(":")
    return bool(_HOST.match(host)) and (colon < 0 or bool(_PORT.match(host[colon:])))


def is_ipv4(text: str) -> bool:
    """A dotted-quad address, or an address of version 6 that ends in one."""
    return "." in text and (_is_quad(text) or _is_sloppy_ipv6(text))


def _is_quad(text: str) -> bool:
    parts = text.split(".")
    return len(parts) == 4 and all(_is_number(part, 255) for part in parts)


def _is_number(text: str, most: int) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= most


def is_ipv6(text: str) -> bool:
    """An address of RFC 4291, without a zone."""
    from ipaddress import AddressValueError, IPv6Address

    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return "%" not in text


def is_ip(text: str) -> bool:
    """An address of either version, written as the standards say."""
    parts = text.split(".")
    return is_ipv6(text) or (_is_quad(text) and all(part == "0" or part[0] != "0" for part in parts))


def _is_sloppy_ipv6(text: str) -> bool:
    """As `is_ipv6`, with any number of leading zeros."""
    head, colon, tail = text.rpartition(":")
    if "." in tail:
        if not _is_quad(tail):
            return False
        tail = "0:0"
    parts = (head + colon + tail).split(":")
    return ":" in text and is_ipv6(":".join(part.lstrip("0") or "0" if part else "" for part in parts))


def is_cidr(text: str) -> bool:
    """An address, a slash and the length of its prefix."""
    address, slash, length = text.partition("/")
    if not slash:
        return False
    if _is_quad(address):
        return _is_number(length, 32)
    return _is_sloppy_ipv6(address) and _is_number(length, 128)
