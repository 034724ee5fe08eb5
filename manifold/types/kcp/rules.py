"""Words shared by the rules of kcp's types: what never changes, label selectors, refusals by admission."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from manifold.base.errors import StatusError, forbidden
from manifold.base.fields import FieldError
from manifold.schema.structural.validation import same_json
from manifold.types.apiextensions.instances import Rules, broken_rule
from manifold.types.resource import Object

_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]{0,251}[a-z0-9])?\Z")
_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\Z")
LABEL_KEY = (
    "Label key prefixes are optional and limited to 253 characters. They should match "
    '"^[a-z0-9]([-a-z0-9]{0,251}[a-z0-9])?$". Names are limited to 63 characters and should match '
    '"^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$". "/" is used as separator.'
)
LABEL_VALUE = (
    'Label values are limited to 63 characters and should match "^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$".'
)


def at(obj: Any, *names: str) -> Any:
    """The value at a path of property names; None where something on the way is missing or no object."""
    for name in names:
        if type(obj) is not dict:
            return None
        obj = obj.get(name)
    return obj


def unchanging(path: tuple[str, ...], message: str) -> Rules:
    """The rule that the value at `path`, once it is there, stays the same as long as it is there."""
    field = ".".join(path)

    def rule(new: Object, old: Object | None) -> list[FieldError]:
        value, former = at(new, *path), at(old, *path)
        if value is None or former is None or same_json(value, former):
            return []
        return [broken_rule(field, value, message)]

    return rule


def both(*rules: Rules) -> Rules:
    """All of several rules, one after the other."""

    def every(new: Object, old: Object | None) -> list[FieldError]:
        return [error for rule in rules for error in rule(new, old)]

    return every


def changed(value: Any, former: Any) -> bool:
    """Whether a part is new or different; rules without a predecessor are not asked of what has not changed."""
    return former is None or not same_json(value, former)


def each(
    new: Object,
    old: Object | None,
    path: tuple[str, ...],
    check: Callable[[Any, str], list[FieldError]],
    keyed: bool = False,
) -> list[FieldError]:
    """Errors of `check(element, its path)` for the elements of a list, unless the list has not changed.

    `keyed` lists are maps, whose unchanged elements are let through one by one.
    """
    elements, former = at(new, *path), at(old, *path)
    if type(elements) is not list or not changed(elements, former):
        return []
    field = ".".join(path)
    errors: list[FieldError] = []
    for position, element in enumerate(elements):
        found = check(element, f"{field}[{position}]")
        if found and not (keyed and any(same_json(element, other) for other in former or ())):
            errors.extend(found)
    return errors


def is_label_key(text: str) -> bool:
    """Whether a text is a label key, as the rule of partition sets understands it."""
    prefix, slash, name = text.partition("/")
    if not slash:
        return bool(_NAME.match(text))
    return bool(_PREFIX.match(prefix)) and bool(_NAME.match(name))


def is_label_value(text: str) -> bool:
    """Whether a text is a label value that is not empty."""
    return bool(_NAME.match(text))


def refuse(group: str, resource: str, new: Object, why: str) -> StatusError:
    """The 403 of kcp's admission about an object."""
    return forbidden(group, resource, str(new["metadata"].get("name") or ""), why)


def refuse_fields(group: str, resource: str, new: Object, errors: list[FieldError]) -> StatusError:
    """The 403 of kcp's admission that tells several field errors at once."""
    return refuse(group, resource, new, f"[{' '.join(str(error) for error in errors)}]")


def shard_selection(path: tuple[str, ...]) -> Rules:
    """The rule about which shards an endpoint of a slice is for; `path` is that of the endpoints."""

    def check(endpoint: Any, field: str) -> list[FieldError]:
        shards = at(endpoint, "shards")
        if at(shards, "matchAll") and "selector" in shards:
            return [broken_rule(f"{field}.shards", shards, "matchAll and selector are mutually exclusive")]
        return []

    return lambda new, old: each(new, old, path, check)
