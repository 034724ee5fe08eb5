"""One write as owners of other versions see it.

An entry names fields as its version has them, and what is one value is that version's business, too. So what a write
has changed is found once for each version that has owners: the object before and after it is brought into that version
and compared by its schema. A version that is no more takes its owners along. Specified by KEP-555, section "Versions".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from manifold.schema.model import Node
from manifold.schema.ownership.comparison import compared, without
from manifold.schema.ownership.fields import Fields, Removals

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """A version of a type: its schema, and what makes an object of it from one of the version written in, and the other
    way round; None where fields have the same names in both. Both leave what they are given as it is.
    """

    node: Node
    convert: Callable[[Object], Object] | None = None
    back: Callable[[Object], Object] | None = None

    def of(self, obj: Object) -> Object:
        """An object in this version."""
        return obj if self.convert is None else self.convert(obj)


Versions = Callable[[str], View | None]
"""From an apiVersion to the type in it; None where there is no such version."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What a write has changed in one version: paths with a new value, and paths that are gone; and the schema."""

    changed: Fields
    removed: Removals
    node: Node


class Changes:
    """What a write has changed: `own` in the version it was written in, which is what holds in all others as well
    unless `find` finds it anew in those that `versions` knows.
    """

    def __init__(
        self,
        own: Changed,
        api_version: str = "",
        versions: Versions | None = None,
        find: Callable[[View], Changed] | None = None,
    ) -> None:
        self.own = own
        self._versions, self._find = versions, find
        self._known: dict[str, Changed | None] = {api_version: own}

    def of(self, api_version: str) -> Changed | None:
        """The changes as a version has them; None for a version that is no more."""
        if self._versions is None or self._find is None:
            return self.own
        if api_version not in self._known:
            view = self._versions(api_version)
            self._known[api_version] = None if view is None else self._find(view)
        return self._known[api_version]


def changes(
    old: Object,
    new: Object,
    node: Node,
    api_version: str,
    versions: Versions | None,
    reset: Sequence[tuple[str, ...]],
) -> Changes:
    """The changes between two states of an object of the version `api_version`, but for those below `reset`."""

    def found(before: Object, after: Object, schema: Node) -> Changed:
        changed, removed = compared(before, after, schema)
        if reset:
            changed, removed = without(changed, reset), beyond(removed, reset)
        return Changed(changed, removed, schema)

    def find(view: View) -> Changed:
        return found(view.of(old), view.of(new), view.node)

    return Changes(found(old, new, node), api_version, versions, find)


def beyond(removed: Removals, reset: Sequence[tuple[str, ...]]) -> Removals:
    """Removals without those at or below the paths of `reset`."""
    for path in reset:
        removed = _spared(removed, path, 0)
    return removed


def _spared(removed: Removals, path: tuple[str, ...], depth: int) -> Removals:
    key = "f:" + path[depth]
    if key not in removed:
        return removed
    rest = {other: below for other, below in removed.items() if other != key}
    below = removed[key]
    if below is None or depth + 1 == len(path):
        return rest
    return {**rest, key: _spared(below, path, depth + 1)}
