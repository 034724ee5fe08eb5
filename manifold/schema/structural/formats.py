"""String formats of OpenAPI as Kubernetes checks them.

Only the names in `FORMATS` are checked; a schema with any other format accepts every string, because that is what
servers before ours did and stored objects must stay valid. For the same reason each accepts what Kubernetes accepts,
slips included: of a date and time nothing behind a second T is looked at, and a duration may be surrounded by anything
once it counts units in words. Everything is a plain function from text to verdict; the modules they need are loaded on
first use.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Sequence

from manifold.schema.structural.internet import is_cidr, is_hostname, is_ipv4, is_ipv6, is_mac, is_uri
from manifold.schema.structural.mail import is_email

_DIGITS = re.compile(r"[^0-9]")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})\Z")
_TIME = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:.[0-9]+)?(?:z|[+-][0-9]{2}:[0-9]{2})\Z")
_SHORT_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\Z")
_LONG_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*\Z")
_DURATION = re.compile(r"[-+]?(?:0|(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)\Z")
_COUNTED = re.compile(r"([0-9]+)[\t\n\f\r ]*([A-Za-zµ]+)")
_UNITS = frozenset(("ns", "us", "µs", "ms", "s", "m", "h", "hr", "d", "w", "wk"))
_UNIT_WORDS = ("nano", "micro", "milli", "sec", "min", "hour", "day", "week")
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?([0-9a-f])[0-9a-f]{3}-?([0-9a-f])[0-9a-f]{3}-?[0-9a-f]{12}\Z", re.I)
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})\Z")
_HEX_COLOR = re.compile(r"#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})\Z")
_RGB_PART = r"[\t\n\f\r ]*(?:0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])[\t\n\f\r ]*"
_RGB_COLOR = re.compile(rf"rgb\({_RGB_PART},{_RGB_PART},{_RGB_PART}\)\Z")
_SSN = re.compile(r"[0-9]{3}[- ][0-9]{2}[- ][0-9]{4}\Z")
_CREDIT_CARD = re.compile(
    r"(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}"
    r"|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35[0-9]{3})[0-9]{11})\Z"
)
_OBJECT_ID = re.compile(r"[0-9a-fA-F]{24}\Z")
_INT64 = (1 << 63) - 1


def is_date(text: str) -> bool:
    """`full-date` of RFC 3339; there is a year 0."""
    found = _DATE.match(text)
    if found is None:
        return False
    year, month, day = map(int, found.groups())
    return 1 <= month <= 12 and 1 <= day <= monthrange(year or 4, month)[1]


def is_date_time(text: str) -> bool:
    """`date-time` of RFC 3339, whatever the offset says."""
    day, separator, rest = text.lower().partition("t")
    found = _TIME.match(rest.partition("t")[0])
    if not separator or not is_date(day) or found is None:
        return False
    return found[1] <= "23" and found[2] <= "59" and found[3] <= "59"


def is_byte(text: str) -> bool:
    """Standard base64 with padding (RFC 4648) of at least one byte."""
    return bool(_BASE64.match(text))


def is_duration(text: str) -> bool:
    """What Go parses as a duration (`1h30m`), or any text that counts a unit in words (`3 days`)."""
    if _DURATION.match(text):
        return True
    known = False
    for count, unit in _COUNTED.findall(text):
        if int(count) > _INT64:
            return False
        known = known or unit.lower() in _UNITS or unit.lower().startswith(_UNIT_WORDS)
    return known


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
    """A number of one of the large issuers with a good Luhn check digit; anything that is no digit does not count."""
    digits = _DIGITS.sub("", text)
    if not _CREDIT_CARD.match(digits):
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
    "k8slongname": lambda text: len(text) <= 253 and bool(_LONG_NAME.match(text)),
    "k8sshortname": lambda text: bool(_SHORT_NAME.match(text)),
    "mac": is_mac,
    "password": lambda text: True,
    "rgbcolor": lambda text: bool(_RGB_COLOR.match(text)),
    "ssn": lambda text: bool(_SSN.match(text)),
    "uri": is_uri,
    "uuid": _is_uuid(""),
    "uuid3": _is_uuid("3"),
    "uuid4": _is_uuid("4"),
    "uuid5": _is_uuid("5"),
}
"""The checked formats by normalized name."""


def normalized(form: str) -> str:
    """The name under which a format is looked up."""
    return form.replace("-", "")


def checked_format(form: str, types: Sequence[str]) -> str:
    """The format a schema of these types is held to: the one it names, or none where that says nothing about them."""
    if types == ("integer",):
        return form if form in ("int32", "int64") else ""
    if types == ("number",):
        return form if form in ("float", "double") else ""
    if len(types) == 1 and types[0] != "string":
        return ""
    return form if normalized(form) in FORMATS else ""
