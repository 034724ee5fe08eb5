"""What a type says to a new object and to a change of one. For tests of this folder."""

from __future__ import annotations

from datetime import UTC, datetime

from manifold.types.resource import Object, ResourceType

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def refused(kind: ResourceType, obj: Object) -> list[str]:
    """What is wrong with a new object, which becomes what would be stored."""
    obj.setdefault("metadata", {"name": "x"})
    assert kind.codec.normalize(obj) == []
    kind.strategy.default(obj)
    kind.strategy.prepare_create(obj)
    return [str(error) for error in kind.strategy.validate_create(obj)]


def changed(kind: ResourceType, old: Object, new: Object) -> list[str]:
    """What is wrong with a change; `new` becomes what would be stored."""
    kind.strategy.default(new)
    kind.strategy.prepare_update(new, old)
    return [str(error) for error in kind.strategy.validate_update(new, old)]
