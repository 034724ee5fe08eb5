"""String formats of OpenAPI as Kubernetes checks them.

Only the names in `FORMATS` are checked; a schema with any other format accepts every string, because that is what
servers before ours did and stored objects must stay valid. The definitions are those of RFC 3339 (date, date-time),
RFC 1123 (host names), RFC 5322 (email), RFC 3986 (uri), RFC 4632 (cidr), RFC 4122 (uuid), and Go's
`time.ParseDuration` for `duration`. Everything is a plain function from text to verdict; the modules they need are
loaded on first use.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

_DIGITS = re.compile(r"[^0-9]")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_DATETIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:[.,]\d+)?(?:[Zz]|[+-](\d{2}):?(\d{2}))\Z", re.ASCII
)
_HOST_LABEL = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\Z")
_SHORT_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\Z")
_LONG_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*\Z")
_DURATION = re.compile(r"[-+]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)\Z", re.ASCII)
_WORD_DURATION = re.compile(
    r"\s*(?:\d+\s*(?:nanoseconds?|nanos?|microseconds?|micros?|milliseconds?|millis?|seconds?|secs?|minutes?|mins?|hours?"
    r"|hrs?|days?|weeks?|wks?|ns|us|µs|ms|s|m|h|d|w)\s*)+\Z",
    re.ASCII | re.IGNORECASE,
)
_EMAIL_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_EMAIL = re.compile(rf"(?:{_EMAIL_ATOM}(?:\.{_EMAIL_ATOM})*|\"[^\"\\\r\n]*\")@{_EMAIL_ATOM}(?:\.{_EMAIL_ATOM})*\Z")
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?([0-9a-f])[0-9a-f]{3}-?([0-9a-f])[0-9a-f]{3}-?[0-9a-f]{12}\Z", re.I)
_MAC = re.compile(
    r"(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}(?:(?:\1[0-9a-f]{2}){2}|(?:\1[0-9a-f]{2}){14})?\Z"
    r"|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}(?:\.[0-9a-f]{4}|(?:\.[0-9a-f]{4}){7})?\Z",
    re.I,
)
_URI_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\Z")
_HEX_COLOR = re.compile(r"#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})\Z")
_RGB_PART = r"\s*(?:0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*"
_RGB_COLOR = re.compile(rf"rgb\({_RGB_PART},{_RGB_PART},{_RGB_PART}\)\Z")
_SSN = re.compile(r"\d{3}[- ]?\d{2}[- ]?\d{4}\Z", re.ASCII)
_OBJECT_ID = re.compile(r"[0-9a-fA-F]{24}\Z")


def is_date(text: str) -> bool:
    """`full-date` of RFC 3339."""
    if not _DATE.match(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_date_time(text: str) -> bool:
    """`date-time` of RFC 3339; the offset may be written without its colon."""
    found = _DATETIME.match(text)
    if found is None or not is_date(found[1]):
        return False
    hours, minutes, seconds = int(found[2]), int(found[3]), int(found[4])
    return hours < 24 and minutes < 60 and seconds < 60 and int(found[5] or 0) < 25 and int(found[6] or 0) < 61


def is_hostname(text: str) -> bool:
    """A host name of RFC 1123, with or without the final dot."""
    name = text[:-1] if text.endswith(".") else text
    return 0 < len(name) <= 255 and all(_HOST_LABEL.match(label) for label in name.split("."))


def is_email(text: str) -> bool:
    """An `addr-spec` of RFC 5322, with or without a display name before it."""
    address = text.strip()
    if address.endswith(">") and "<" in address:
        address = address[address.rindex("<") + 1 : -1]
    return bool(_EMAIL.match(address))


def is_uri(text: str) -> bool:
    """A request URI: absolute, or an absolute path."""
    if not text or "#" in text or any(character <= " " or character == "\x7f" for character in text):
        return False
    if _BAD_ESCAPE.search(text):
        return False
    if text.startswith("/"):
        return True
    scheme = _URI_SCHEME.match(text)
    if scheme is None:
        return text == "*"
    rest = text[scheme.end() :]
    if not rest.startswith("//"):
        return True
    host = rest[2:].partition("/")[0].partition("?")[0].rpartition("@")[2]
    if host.startswith("["):
        return is_ipv6(host[1:].partition("]")[0].partition("%")[0])
    port = host.partition(":")[2]
    return not any(character in '<>"{}|\\^`' for character in host) and (not port or port.isdecimal())


def is_ipv4(text: str) -> bool:
    """A dotted-quad address."""
    from ipaddress import AddressValueError, IPv4Address

    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


def is_ipv6(text: str) -> bool:
    """An address of RFC 4291."""
    from ipaddress import AddressValueError, IPv6Address

    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


def is_cidr(text: str) -> bool:
    """An address, a slash and the length of its prefix."""
    address, slash, length = text.partition("/")
    if not slash or not length.isascii() or not length.isdecimal() or (len(length) > 1 and length[0] == "0"):
        return False
    if is_ipv4(address):
        return int(length) <= 32
    return is_ipv6(address) and int(length) <= 128


def is_byte(text: str) -> bool:
    """Standard base64 with padding (RFC 4648); line breaks do not count."""
    return bool(_BASE64.match(text.replace("\n", "").replace("\r", "")))


def is_duration(text: str) -> bool:
    """What Go parses as a duration (`1h30m`), or counted units in words (`3 days`)."""
    return bool(_DURATION.match(text) or _WORD_DURATION.match(text))


def _is_uuid(version: str) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        found = _UUID.match(text)
        if found is None:
            return False
        return not version or (found[1] == version and (version == "3" or found[2].lower() in "89ab"))

    return check


def is_isbn10(text: str) -> bool:
    """Ten digits (the last may be X) whose weighted sum is a multiple of eleven; dashes and spaces do not count."""
    digits = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"[0-9]{9}[0-9X]", digits):
        return False
    weighted = sum((place + 1) * (10 if digit == "X" else int(digit)) for place, digit in enumerate(digits))
    return weighted % 11 == 0


def is_isbn13(text: str) -> bool:
    """Thirteen digits whose weighted sum is a multiple of ten; dashes and spaces do not count."""
    digits = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"[0-9]{13}", digits):
        return False
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10 == 0


def is_credit_card(text: str) -> bool:
    """13 to 19 digits with a good Luhn check digit; anything that is no digit does not count."""
    digits = _DIGITS.sub("", text)
    if not 13 <= len(digits) <= 19:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


FORMATS: dict[str, Callable[[str], bool]] = {
    "bsonobjectid": lambda text: bool(_OBJECT_ID.match(text)),
    "byte": is_byte,
    "cidr": is_cidr,
    "creditcard": is_credit_card,
    "date": is_date,
    "date-time": is_date_time,
    "datetime": is_date_time,
    "duration": is_duration,
    "email": is_email,
    "hexcolor": lambda text: bool(_HEX_COLOR.match(text)),
    "hostname": is_hostname,
    "ipv4": is_ipv4,
    "ipv6": is_ipv6,
    "isbn": lambda text: is_isbn10(text) or is_isbn13(text),
    "isbn10": is_isbn10,
    "isbn13": is_isbn13,
    "k8s-long-name": lambda text: len(text) <= 253 and bool(_LONG_NAME.match(text)),
    "k8s-short-name": lambda text: bool(_SHORT_NAME.match(text)),
    "mac": lambda text: bool(_MAC.match(text)),
    "password": lambda text: True,
    "rgbcolor": lambda text: bool(_RGB_COLOR.match(text)),
    "ssn": lambda text: bool(_SSN.match(text)),
    "uri": is_uri,
    "uuid": _is_uuid(""),
    "uuid3": _is_uuid("3"),
    "uuid4": _is_uuid("4"),
    "uuid5": _is_uuid("5"),
}
"""The checked formats by name."""
