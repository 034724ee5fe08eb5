"""How far a value came in a schema: the number of checks that applied to it and to what it holds.

Kubernetes tells the errors of the alternative with the most of them, so this counts as its validator counts. A value is
weighed in one walk, in which each part of a schema says at once whether it fits and what it weighs; and what has been
weighed by an inner alternative is not weighed again by those around it, so that nested ones cost no more than they are
long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from manifold.base.fields import FieldError
from manifold.schema.structural.own_checks import own_checks
from manifold.schema.structural.validation import Check

Schema = dict[str, Any]


class Weighed(NamedTuple):
    """Whether a value fits a schema, and how many of its checks applied."""

    fits: bool
    weight: int


Done = dict[tuple[int, int], Weighed]
"""What has been weighed in one validation, by schema and value. Both outlive it, so their identities tell them."""
Weighing = Callable[[Any, Done], Weighed]
Known = dict[int, Weighing]
"""What weighs the alternatives of one compiled schema, by the identity of their schemas."""


def weigh(schema: Schema, known: Known) -> Weighing:
    """What weighs values of an alternative, made once."""
    found = known.get(id(schema))
    if found is None:
        whole = _weigh(schema, known)

        def found(value: Any, done: Done) -> Weighed:
            key = (id(schema), id(value))
            result = done.get(key)
            if result is None:
                result = done[key] = whole(value, done)
            return result

        known[id(schema)] = found
    return found


def _weigh(schema: Schema, known: Known) -> Weighing:
    own = own_checks(schema)
    described = {name: _weigh(child, known) for name, child in (schema.get("properties") or {}).items()}
    additional, inner, refused = schema.get("additionalProperties"), schema.get("items"), schema.get("not")
    entries = _weigh(additional, known) if isinstance(additional, dict) else None
    items = _weigh(inner, known) if isinstance(inner, dict) else None
    any_of, one_of, all_of = (
        [weigh(each, known) for each in schema.get(name) or ()] for name in ("anyOf", "oneOf", "allOf")
    )
    nothing = weigh(refused, known) if isinstance(refused, dict) else None
    fewest, most = schema.get("minProperties") or 0, schema.get("maxProperties")

    def weighing(value: Any, done: Done) -> Weighed:
        if value is None:
            return Weighed(_passes(own.nulls, None), int(_passes(own.typed, None)))
        right = _passes(own.typed, value)
        fits = right and _passes(own.rest, value) and (nothing is None or not nothing(value, done).fits)
        weight = 4 + (1 + right if own.typed else 0)
        for part in (_any(any_of, value, done), _one(one_of, value, done), _all(all_of, value, done)):
            fits, weight = fits and part.fits, weight + part.weight
        found: list[Weighed] = []
        if type(value) is str:
            weight += 1 + own.formatted
        elif type(value) in (int, float):
            weight += 2
        elif type(value) is list:
            weight += 2
            found = [items(item, done) for item in value] if items is not None else []
        elif type(value) is dict:
            weight += 1
            fits = fits and fewest <= len(value) and (most is None or len(value) <= most)
            fits = fits and (additional is not False or value.keys() <= described.keys())
            for name, entry in value.items():
                child = described.get(name, entries)
                if child is not None:
                    found.append(child(entry, done))
        return Weighed(fits and all(each.fits for each in found), weight + sum(each.weight for each in found))

    return weighing


def _passes(checks: Sequence[Check], value: Any) -> bool:
    wrong: list[FieldError] = []
    for check in checks:
        check(value, "", "", wrong)
    return not wrong


def _any(alternatives: Sequence[Weighing], value: Any, done: Done) -> Weighed:
    """As heavy as the first that fits, or as the nearest."""
    heaviest = 0
    for weighing in alternatives:
        found = weighing(value, done)
        if found.fits:
            return found
        heaviest = max(heaviest, found.weight)
    return Weighed(not alternatives, heaviest)


def _one(alternatives: Sequence[Weighing], value: Any, done: Done) -> Weighed:
    """As heavy as the one that fits, or as the nearest; several that fit weigh nothing."""
    weighed = [weighing(value, done) for weighing in alternatives]
    fitting = [found for found in weighed if found.fits]
    if fitting:
        return Weighed(len(fitting) == 1, fitting[0].weight if len(fitting) == 1 else 0)
    return Weighed(not alternatives, max((found.weight for found in weighed), default=0))


def _all(every: Sequence[Weighing], value: Any, done: Done) -> Weighed:
    weighed = [weighing(value, done) for weighing in every]
    return Weighed(all(found.fits for found in weighed), sum(found.weight for found in weighed))
