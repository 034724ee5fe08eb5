"""From a schema to one check, and to a second, slower one that lets unchanged values pass (KEP-4008, ratcheting).

The first check is the one that runs: nearly all writes are valid. Only when it finds errors on an update is the object
walked again, together with the old one: what a place and everything below it has to say is dropped where the value
there is still the old one (`correlation`).
"""

from __future__ import annotations

from typing import Any

from manifold.base.fields import INVALID, FieldError, quote, too_many
from manifold.schema.structural import validation
from manifold.schema.structural.combinators import Alternative, all_of, any_of, not_of, one_of
from manifold.schema.structural.correlation import elements_by_key, unchanged
from manifold.schema.structural.own_checks import own_checks
from manifold.schema.structural.validation import Check
from manifold.schema.structural.weighing import Known


class _Nothing:
    """The old value of what has none."""


NOTHING = _Nothing()
Schema = dict[str, Any]


class Compiled:
    """The checks of one schema: its own at once, those of what it describes when the first value comes to them.

    Most objects use little of a large schema, and a schema is compiled in the request that first needs it.
    """

    __slots__ = (
        "_entries",
        "_items",
        "_known",
        "_limits",
        "_nulls",
        "_own",
        "_properties",
        "_refuse",
        "_schema",
        "check",
    )

    check: Check | None
    """The check of the whole subtree; None where nothing can be wrong."""

    def __init__(self, schema: Schema, known: Known | None = None) -> None:
        self._schema = schema
        self._known: Known = {} if known is None else known
        self._properties: dict[str, Compiled] = {}
        self._entries: Compiled | None = None
        self._items: Compiled | None = None
        self._refuse = schema.get("additionalProperties") is False
        self._limits = (schema.get("minProperties"), schema.get("maxProperties"))
        own = own_checks(schema)
        self._own, self._nulls = (*own.typed, *_combined(schema, self._known), *own.rest), own.nulls
        self.check = self._build()

    def _field(self, name: str) -> Compiled | None:
        """What is said of a property or of an entry of a map; None where nothing is."""
        found = self._properties.get(name)
        if found is not None:
            return found
        described = (self._schema.get("properties") or {}).get(name)
        if described is not None:
            found = self._properties[name] = Compiled(described, self._known)
            return found
        return self._entry()

    def _entry(self) -> Compiled | None:
        additional = self._schema.get("additionalProperties")
        if self._entries is None and isinstance(additional, dict):
            self._entries = Compiled(additional, self._known)
        return self._entries

    def _item(self) -> Compiled | None:
        items = self._schema.get("items")
        if self._items is None and isinstance(items, dict):
            self._items = Compiled(items, self._known)
        return self._items

    def _build(self) -> Check | None:
        own, nulls = self._own, self._nulls
        described: dict[str, Schema] = self._schema.get("properties") or {}
        has_entries = isinstance(self._schema.get("additionalProperties"), dict)
        holds_fields = bool(described) or has_entries or self._refuse or self._limits != (None, None)
        holds_items = isinstance(self._schema.get("items"), dict)
        if not holds_fields and not holds_items:
            if not own:
                return None
            return own[0] if len(own) == 1 and own == nulls else _sequence(own, nulls)
        checks: dict[str, Check] = {}
        get = checks.get
        fewest, most = self._limits
        limited = fewest is not None or most is not None
        entries: Check | None = None
        items: Check | None = None

        def check(value: Any, prefix: str, name: str, errors: list[FieldError]) -> None:
            nonlocal entries, items
            for each in own if value is not None else nulls:
                each(value, prefix, name, errors)
            if type(value) is dict:
                if limited:
                    _sized(len(value), fewest, most, prefix + name, errors)
                below = f"{prefix}{name}." if name or prefix else ""
                for field, entry in value.items():
                    child = get(field)
                    if child is None:
                        if field in described:
                            child = checks[field] = _whole(self._field(field))
                        elif has_entries:
                            entries = entries or _whole(self._entry())
                            entries(entry, below or ".", field, errors)
                            continue
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
        for each in self._own if value is not None else self._nulls:
            each(value, prefix, name, found)
        if type(value) is dict:
            self._ratchet_fields(value, old, prefix, name, found)
        elif type(value) is list and (items := self._item()) is not None:
            before = elements_by_key(self._schema, old)
            for position, item in enumerate(value):
                items.ratchet(item, before(item, NOTHING), prefix + name, f"[{position}]", found)
        if found and (old is NOTHING or not unchanged(self._schema, value, old)):
            errors.extend(found)

    def _ratchet_fields(self, value: Any, old: Any, prefix: str, name: str, errors: list[FieldError]) -> None:
        fewest, most = self._limits
        _sized(len(value), fewest, most, prefix + name, errors)
        path = prefix + name
        below = f"{path}." if path else ""
        former = old if type(old) is dict else {}
        described = self._schema.get("properties") or {}
        for field, entry in value.items():
            child = self._field(field)
            if child is not None:
                # Changes of these two of a whole object cannot be seen: both versions have been converted to one.
                blind = not path and field in ("apiVersion", "kind")
                place = below if below or field in described else "."
                child.ratchet(entry, NOTHING if blind else former.get(field, NOTHING), place, field, errors)
            elif self._refuse:
                errors.append(_refused(path, field))


def _sequence(checks: tuple[Check, ...], nulls: tuple[Check, ...]) -> Check:
    def check(value: Any, prefix: str, name: str, errors: list[FieldError]) -> None:
        for each in checks if value is not None else nulls:
            each(value, prefix, name, errors)

    return check


def _sized(size: int, fewest: int | None, most: int | None, path: str, errors: list[FieldError]) -> None:
    if fewest is not None and size < fewest:
        errors.append(validation.broken(path, size, f"should have at least {fewest} properties"))
    if most is not None and size > most:
        errors.append(too_many(path, size, most))


def _refused(path: str, field: str) -> FieldError:
    return FieldError(INVALID, path, f"Invalid value: {quote(field)}: {path}.{field} in body is a forbidden property")


def _whole(compiled: Compiled | None) -> Check:
    """The check of a part or an alternative, which may have nothing to say."""
    return (compiled.check if compiled is not None else None) or _nothing


def _nothing(value: Any, prefix: str, name: str, errors: list[FieldError]) -> None:
    pass


def _combined(schema: Schema, known: Known) -> list[Check]:
    def alternatives(name: str) -> list[Alternative]:
        return [Alternative(each, _check_of(each, known), known) for each in schema[name]]

    checks: list[Check] = []
    if schema.get("anyOf"):
        checks.append(any_of(alternatives("anyOf")))
    if schema.get("oneOf"):
        checks.append(one_of(alternatives("oneOf")))
    if every := schema.get("allOf"):
        checks.append(all_of([_check_of(each, known) for each in every]))
    if (refused := schema.get("not")) is not None:
        checks.append(not_of(_check_of(refused, known)))
    return checks


def _check_of(schema: Schema, known: Known) -> Check:
    return _whole(Compiled(schema, known))
