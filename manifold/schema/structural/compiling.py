"""From a schema to one check, and to a second, slower one that lets unchanged values pass (KEP-4008, ratcheting).

The first check is the one that runs: nearly all writes are valid. Only when it finds errors on an update is the object
walked again, together with the old one: what a place and everything below it has to say is dropped where the value
there equals the old one. List elements are compared only where a list is a map with keys, because nothing else says
which of the old elements one of the new was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from manifold.base.fields import INVALID, FieldError
from manifold.schema.structural import combinators, validation
from manifold.schema.structural.validation import Check, same_json

Ratchet = Callable[[Any, Any, str, str, list[FieldError]], None]
"""As a check, with the old value as the second argument; NOTHING where there is no old value to compare with."""


class _Nothing:
    """The old value of what has none."""


NOTHING = _Nothing()
Schema = dict[str, Any]


class Compiled:
    """The checks of one schema: its own at once, those of what it describes when the first value comes to them.

    Most objects use little of a large schema, and a schema is compiled in the request that first needs it.
    """

    __slots__ = ("_entries", "_items", "_keys", "_limits", "_own", "_properties", "_refuse", "_schema", "check")

    check: Check | None
    """The check of the whole subtree; None where nothing can be wrong."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._properties: dict[str, Compiled] = {}
        self._entries: Compiled | None = None
        self._items: Compiled | None = None
        self._refuse = schema.get("additionalProperties") is False
        self._keys = (
            tuple(schema.get("x-kubernetes-list-map-keys") or ())
            if schema.get("x-kubernetes-list-type") == "map"
            else ()
        )
        self._limits = (schema.get("minProperties"), schema.get("maxProperties"))
        self._own = _own_checks(schema)
        self.check = self._build()

    def _field(self, name: str) -> Compiled | None:
        """What is said of a property or of an entry of a map; None where nothing is."""
        found = self._properties.get(name)
        if found is not None:
            return found
        described = (self._schema.get("properties") or {}).get(name)
        if described is not None:
            found = self._properties[name] = Compiled(described)
            return found
        return self._entry()

    def _entry(self) -> Compiled | None:
        additional = self._schema.get("additionalProperties")
        if self._entries is None and isinstance(additional, dict):
            self._entries = Compiled(additional)
        return self._entries

    def _item(self) -> Compiled | None:
        items = self._schema.get("items")
        if self._items is None and isinstance(items, dict):
            self._items = Compiled(items)
        return self._items

    def _build(self) -> Check | None:
        own = self._own
        described: dict[str, Schema] = self._schema.get("properties") or {}
        has_entries = isinstance(self._schema.get("additionalProperties"), dict)
        holds_fields = bool(described) or has_entries or self._refuse or self._limits != (None, None)
        holds_items = isinstance(self._schema.get("items"), dict)
        if not holds_fields and not holds_items:
            if not own:
                return None
            return own[0] if len(own) == 1 else _sequence(own)
        checks: dict[str, Check] = {}
        get = checks.get
        fewest, most = self._limits
        limited = fewest is not None or most is not None
        entries: Check | None = None
        items: Check | None = None

        def check(value: Any, prefix: str, name: str, errors: list[FieldError]) -> None:
            nonlocal entries, items
            for each in own:
                each(value, prefix, name, errors)
            if type(value) is dict:
                if limited and not _sized(len(value), fewest, most, prefix + name, errors):
                    return
                below = f"{prefix}{name}." if name or prefix else ""
                for field, entry in value.items():
                    child = get(field)
                    if child is None:
                        if field in described:
                            child = checks[field] = _whole(self._field(field))
                        elif has_entries:
                            child = entries = entries or _whole(self._entry())
                        else:
                            if self._refuse:
                                errors.append(_refused(prefix + name, field))
                            continue
                    child(entry, below, field, errors)
            elif holds_items and type(value) is list:
                if items is None:
                    items = _whole(self._item())
                path = prefix + name
                for position, item in enumerate(value):
                    items(item, path, f"[{position}]", errors)

        return check

    def ratchet(self, value: Any, old: Any, prefix: str, name: str, errors: list[FieldError]) -> None:
        """Adds the errors of `value` that were not there already, unchanged, in `old`."""
        if self.check is None:
            return
        found: list[FieldError] = []
        for each in self._own:
            each(value, prefix, name, found)
        if type(value) is dict:
            self._ratchet_fields(value, old, prefix, name, found)
        elif type(value) is list and (items := self._item()) is not None:
            by_key = self._by_key(old)
            for position, item in enumerate(value):
                before = by_key.get(self._key(item), NOTHING) if by_key else NOTHING
                items.ratchet(item, before, prefix + name, f"[{position}]", found)
        if found and (old is NOTHING or not same_json(value, old)):
            errors.extend(found)

    def _ratchet_fields(self, value: Any, old: Any, prefix: str, name: str, errors: list[FieldError]) -> None:
        fewest, most = self._limits
        if not _sized(len(value), fewest, most, prefix + name, errors):
            return
        below = f"{prefix}{name}." if name or prefix else ""
        former = old if type(old) is dict else {}
        for field, entry in value.items():
            child = self._field(field)
            if child is not None:
                child.ratchet(entry, former.get(field, NOTHING), below, field, errors)
            elif self._refuse:
                errors.append(_refused(prefix + name, field))

    def _by_key(self, old: Any) -> dict[tuple[Any, ...], Any]:
        if not self._keys or type(old) is not list:
            return {}
        return {self._key(item): item for item in old}

    def _key(self, item: Any) -> tuple[Any, ...]:
        if type(item) is not dict:
            return ()
        return tuple(str(item.get(name)) for name in self._keys)


def _sequence(checks: tuple[Check, ...]) -> Check:
    def check(value: Any, prefix: str, name: str, errors: list[FieldError]) -> None:
        for each in checks:
            each(value, prefix, name, errors)

    return check


def _sized(size: int, fewest: int | None, most: int | None, path: str, errors: list[FieldError]) -> bool:
    """Whether a map has a good size; nothing else of one that has not is looked at."""
    if fewest is not None and size < fewest:
        errors.append(validation.broken(path, size, f"should have at least {fewest} properties"))
        return False
    if most is not None and size > most:
        errors.append(validation.too_many(path, size, most))
        return False
    return True


def _refused(path: str, field: str) -> FieldError:
    place = f"{path}.{field}" if path else field
    return FieldError(INVALID, place, f'Invalid value: "": {path}.{field} in body is a forbidden property')


def _types(schema: Schema) -> tuple[str, ...]:
    if schema.get("x-kubernetes-int-or-string"):
        return ("integer", "string")
    kind = schema.get("type")
    return (kind,) if kind else ()


def _own_checks(schema: Schema) -> tuple[Check, ...]:
    """The checks of a schema on the value itself, in the order their errors are told."""
    types = _types(schema)
    form = str(schema.get("format") or "")
    checks: list[Check] = []
    if types:
        checks.append(validation.type_check(types, form, bool(schema.get("nullable"))))
    checks.extend(_combined(schema))
    if {"minLength", "maxLength"} & schema.keys() or schema.get("pattern"):
        checks.append(validation.string_check(schema.get("minLength"), schema.get("maxLength"), schema.get("pattern")))
    if form and (formatted := validation.format_check(form)) is not None:
        checks.append(formatted)
    kind = "integer" if "integer" in types and "string" not in types else "number" if "number" in types else ""
    if (
        kind == "integer"
        or (kind and form in ("float", "float32"))
        or {"multipleOf", "minimum", "maximum"} & schema.keys()
    ):
        checks.append(validation.number_check(kind or "number", form, schema))
    if {"minItems", "maxItems"} & schema.keys() or schema.get("uniqueItems"):
        checks.append(
            validation.size_check(schema.get("minItems"), schema.get("maxItems"), bool(schema.get("uniqueItems")))
        )
    if schema.get("enum"):
        checks.append(validation.enum_check(schema["enum"]))
    if schema.get("required"):
        checks.append(validation.required_check(tuple(schema["required"])))
    return tuple(checks)


def _whole(compiled: Compiled | None) -> Check:
    """The check of a part or an alternative, which may have nothing to say."""
    return (compiled.check if compiled is not None else None) or _nothing


def _nothing(value: Any, prefix: str, name: str, errors: list[FieldError]) -> None:
    pass


def _combined(schema: Schema) -> list[Check]:
    checks: list[Check] = []
    if alternatives := schema.get("anyOf"):
        checks.append(combinators.any_of([(_whole(Compiled(each)), combinators.weigh(each)) for each in alternatives]))
    if alternatives := schema.get("oneOf"):
        checks.append(combinators.one_of([(_whole(Compiled(each)), combinators.weigh(each)) for each in alternatives]))
    if every := schema.get("allOf"):
        checks.append(combinators.all_of([_whole(Compiled(each)) for each in every]))
    if (refused := schema.get("not")) is not None:
        checks.append(combinators.not_of(_whole(Compiled(refused))))
    return checks
