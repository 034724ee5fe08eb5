"""What a name may look like: the formats of Kubernetes' names, label keys and values, in the words clients match on.

Each check returns the texts of what is wrong (the part after `Invalid value: "x": `), so a good value costs one regular
expression and an empty list. A limit on length is told apart from the format, and both are told when both are
broken. The formats are those of the API conventions, section "Identifiers and names", and of RFC 1123 and RFC 1035.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

LABEL_LIMIT = 63
"""Longest DNS label, label value and name part of a label key, in bytes."""
SUBDOMAIN_LIMIT = 253
"""Longest DNS subdomain, in bytes."""
GENERATED_SUFFIX = 5
GENERATED_LIMIT = LABEL_LIMIT - GENERATED_SUFFIX
"""Longest part of a generateName that gets into the name."""
GENERATED_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""No vowels and nothing that looks like one, so that no words appear."""

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_QUALIFIED})?"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"


def _full(pattern: str) -> Callable[[str], re.Match[str] | None]:
    """A matcher of whole texts. Groups are not captured, which is faster; texts show the pattern as it is known."""
    return re.compile(pattern.replace("(", "(?:")).fullmatch


_is_label = _full(_LABEL)
_is_subdomain = _full(_SUBDOMAIN)
_is_label_1035 = _full(_LABEL_1035)
_is_qualified = _full(_QUALIFIED)
_is_label_value = _full(_LABEL_VALUE)
_is_config_key = re.compile(_CONFIG_KEY).fullmatch


def _format(text: str, pattern: str, *examples: str) -> str:
    shown = "".join(f"{' or ' if position else ''}'{example}', " for position, example in enumerate(examples))
    return f"{text} (e.g. {shown}regex used for validation is '{pattern}')"


_LABEL_TEXT = _format(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character",
    _LABEL,
    "my-name",
    "123-abc",
)
_SUBDOMAIN_TEXT = _format(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character",
    _SUBDOMAIN,
    "example.com",
)
_LABEL_1035_TEXT = _format(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character",
    _LABEL_1035,
    "my-name",
    "abc-123",
)
_QUALIFIED_TEXT = _format(
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    _QUALIFIED,
    "MyName",
    "my.name",
    "123-abc",
)
_LABEL_KEY_TEXT = (
    f"a valid label key {_QUALIFIED_TEXT} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
)
_LABEL_VALUE_TEXT = _format(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character",
    _LABEL_VALUE,
    "MyValue",
    "my_value",
    "12345",
)
_CONFIG_KEY_TEXT = _format(
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    _CONFIG_KEY,
    "key.name",
    "KEY_NAME",
    "key-name",
)


def longest(limit: int) -> str:
    """The text for a name of more than `limit` bytes. (Label keys and values say `bytes` instead.)"""
    return f"must be no more than {limit} characters"


def _bytes(limit: int) -> str:
    return f"must be no more than {limit} bytes"


def _over(text: str, limit: int) -> bool:
    """Whether the text is longer than `limit` bytes in UTF-8."""
    return len(text) > limit or (not text.isascii() and len(text.encode(errors="surrogatepass")) > limit)


def dns_label(text: str) -> list[str]:
    """What keeps `text` from being a lower-case RFC 1123 label."""
    if len(text) <= LABEL_LIMIT and _is_label(text):
        return []
    errors = [longest(LABEL_LIMIT)] if _over(text, LABEL_LIMIT) else []
    if not _is_label(text):
        # A good subdomain fails for one reason only, and a short text says it better than the pattern.
        errors.append("must not contain dots" if _is_subdomain(text) else _LABEL_TEXT)
    return errors


def dns_subdomain(text: str) -> list[str]:
    """What keeps `text` from being a lower-case RFC 1123 subdomain."""
    if len(text) <= SUBDOMAIN_LIMIT and _is_subdomain(text):
        return []
    errors = [longest(SUBDOMAIN_LIMIT)] if _over(text, SUBDOMAIN_LIMIT) else []
    if not _is_subdomain(text):
        errors.append(_SUBDOMAIN_TEXT)
    return errors


def dns_label_1035(text: str) -> list[str]:
    """What keeps `text` from being an RFC 1035 label (which does not start with a digit)."""
    errors = [longest(LABEL_LIMIT)] if _over(text, LABEL_LIMIT) else []
    if not _is_label_1035(text):
        errors.append(_LABEL_1035_TEXT)
    return errors


def label_key(text: str) -> list[str]:
    """What keeps `text` from being a label or annotation key, a finalizer, any qualified name (`prefix/name`)."""
    prefix, slash, name = text.partition("/")
    if not slash:
        if len(text) <= LABEL_LIMIT and _is_qualified(text):
            return []
        prefix, name = "", text
    elif "/" in name:
        return [_LABEL_KEY_TEXT]
    errors = []
    if slash:
        if not prefix:
            errors.append("prefix part must be non-empty")
        else:
            if _over(prefix, SUBDOMAIN_LIMIT):
                errors.append("prefix part " + _bytes(SUBDOMAIN_LIMIT))
            if not _is_subdomain(prefix):
                errors.append("prefix part " + _SUBDOMAIN_TEXT)
    if not name:
        errors.append("name part must be non-empty")
    elif _over(name, LABEL_LIMIT):
        errors.append("name part " + _bytes(LABEL_LIMIT))
    if not _is_qualified(name):
        errors.append("name part " + _QUALIFIED_TEXT)
    return errors


@lru_cache(maxsize=4096)
def _is_good_key(text: str) -> bool:
    return not label_key(text)


def is_label_key(text: str) -> bool:
    """Whether `text` can be a label key. Keys repeat from object to object, so the answer is remembered for a while."""
    return len(text) <= SUBDOMAIN_LIMIT + 1 + LABEL_LIMIT and _is_good_key(text)


def label_value(text: str) -> list[str]:
    """What keeps `text` from being a label's value; the empty text is one."""
    if len(text) <= LABEL_LIMIT and _is_label_value(text):
        return []
    errors = [_bytes(LABEL_LIMIT)] if _over(text, LABEL_LIMIT) else []
    if not _is_label_value(text):
        errors.append(_LABEL_VALUE_TEXT)
    return errors


def config_key(text: str) -> list[str]:
    """What keeps `text` from being a key of a ConfigMap or Secret: one path element, never `.` or `..`."""
    errors = [longest(SUBDOMAIN_LIMIT)] if _over(text, SUBDOMAIN_LIMIT) else []
    if not _is_config_key(text):
        errors.append(_CONFIG_KEY_TEXT)
    if text == ".":
        errors.append("must not be '.'")
    elif text == "..":
        errors.append("must not be '..'")
    elif text.startswith(".."):
        errors.append("must not start with '..'")
    return errors


def fully_qualified(text: str) -> list[str]:
    """What keeps `text` from being a domain name of at least three segments."""
    errors = dns_subdomain(text)
    if errors:
        return errors
    return [] if text.count(".") >= 2 else ["should be a domain with at least three segments separated by dots"]


NameCheck = Callable[[str, bool], list[str]]
"""What is wrong with a name; the flag says that it is only a prefix (a generateName), which may end in a dash."""


def _completed(name: str) -> str:
    """A prefix as a name: the trailing dash, which what is generated will follow, is set aside."""
    return name[:-2] + "a" if len(name) > 1 and name.endswith("-") else name


def subdomain_name(name: str, prefix: bool) -> list[str]:
    """Names that are DNS subdomains: most types."""
    return dns_subdomain(_completed(name) if prefix else name)


def label_name(name: str, prefix: bool) -> list[str]:
    """Names that are DNS labels: namespaces."""
    return dns_label(_completed(name) if prefix else name)


def segment_name(name: str, prefix: bool) -> list[str]:
    """Names that may hold anything but what would break a URL path: those of RBAC."""
    if not prefix:
        if name == ".":
            return ["may not be '.'"]
        if name == "..":
            return ["may not be '..'"]
    return [f"may not contain '{character}'" for character in "/%" if character in name]


def generate_name(prefix: str, random: Callable[[int], int]) -> str:
    """A name from a generateName: the prefix, cut to 58 bytes, and five random characters.

    `random(n)` gives a number from 0 up to and without n (`random.randrange`, `secrets.randbelow`). API conventions,
    section "Idempotency" (generateName).
    """
    count = len(GENERATED_ALPHABET)
    suffix = "".join([GENERATED_ALPHABET[random(count)] for _ in range(GENERATED_SUFFIX)])
    return prefix[:GENERATED_LIMIT] + suffix
