"""JSON data as YAML the way Kubernetes writes it, byte for byte as kubectl's library does.

Lines are folded at 80 columns. Keys are in the order of a reader who counts: `a2` comes before `a10`. A text is quoted
where a reader could take it for something else: YAML 1.1 reads `y`, `on` or `1` as booleans and numbers, and `12:30` or
a date as something of their own. Texts of several lines become literal blocks.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache, cmp_to_key
from typing import Any

from manifold.base.go_text import number
from manifold.schema.yaml_documents import plain_tag

_TAG = "tag:yaml.org,2002:"
_SIXTIES = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_DATE = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:([ Tt])([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?(Z|[-+][0-9]{2}:[0-9]{2})?)?"
)


def dump(value: Any) -> bytes:
    """JSON data (any shape) as YAML."""
    import yaml

    text: str = yaml.dump(value, Dumper=_dumper(), default_flow_style=False, allow_unicode=True, width=80)
    return text.encode()


@cache
def _dumper() -> Any:  # a class made of PyYAML's, which is imported by the first who wants YAML
    import yaml

    class Dumper(yaml.CSafeDumper):
        """PyYAML's dumper with Kubernetes' choice of quotes and order."""

        def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
            if kind is yaml.ScalarNode:
                return _TAG + (plain_tag(value) if implicit[0] else "str")
            return super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]

    def text(dumper: Any, value: str) -> Any:
        style = "|" if "\n" in value else None if _plain(value) else '"'
        return dumper.represent_scalar(f"{_TAG}str", value, style=style)

    def mapping(dumper: Any, value: dict[str, Any]) -> Any:
        return dumper.represent_mapping(f"{_TAG}map", sorted(value.items(), key=_by_name))

    def real(dumper: Any, value: float) -> Any:
        return dumper.represent_scalar(f"{_TAG}float", number(value))

    Dumper.add_representer(str, text)
    Dumper.add_representer(dict, mapping)
    Dumper.add_representer(float, real)
    return Dumper


def _plain(text: str) -> bool:
    """Whether a reader takes a plain scalar for the text it is."""
    return plain_tag(text) == "str" and not _SIXTIES.fullmatch(text) and not _is_time(text)


def _is_time(text: str) -> bool:
    found = _DATE.fullmatch(text)
    if found is None:
        return False
    year, month, day, separator, hour, minute, second, zone = found.groups()
    if separator is not None and (separator == " ") == bool(zone):
        return False
    try:
        datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
    except ValueError:
        return False
    return True


def _order(one: str, other: str) -> int:
    """Whether a key comes before another one: negative, zero or positive, as for `cmp_to_key`.

    The first characters in which they differ decide. Two letters do by their code, a letter stands behind what is none;
    otherwise the numbers that begin there do, then how long they are written. (So `v2` < `v10` < `v1a` < `v2`: the
    order of keys that go in a circle is that of the sort.)
    """
    if one == other:
        return 0
    at = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), -1)
    if at < 0:
        return len(one) - len(other)
    a, b = one[at], other[at]
    code = ord(a) - ord(b)
    if a.isalpha() or b.isalpha():
        if a.isalpha() and b.isalpha():
            return code
        return 1 if a.isalpha() else -1
    # Zeros count where the number they stand in has begun before: 10 and 1 in `a10` and `a1`.
    before = one[:at]
    begun = before[len(before.rstrip("0123456789")) :].strip("0") and "0" in (a, b)
    digits = [text[at:][: len(text) - at - len(text[at:].lstrip("0123456789"))] for text in (one, other)]
    values = [(number if begun else number.lstrip("0")) for number in digits]
    return (
        len(values[0]) - len(values[1])
        or (values[0] > values[1]) - (values[0] < values[1])
        or len(digits[0]) - len(digits[1])
        or code
    )


_by_order = cmp_to_key(_order)


def _by_name(entry: tuple[str, Any]) -> Any:  # what cmp_to_key gives has no name in the type system
    return _by_order(entry[0])
