"""Types made by hand for discovery and OpenAPI: what these tests need of a type and no more."""

from __future__ import annotations

from typing import Any

from manifold.base.fields import FieldError
from manifold.schema.model import Node
from manifold.types.resource import Object, ResourceType


class Plain:
    """Decides nothing: serves as codec, strategy and subresource of a type nobody writes."""

    def normalize(self, obj: Object, applied: bool = False) -> list[str]:
        return []

    def default(self, new: Object) -> None: ...

    def prepare_create(self, new: Object) -> None: ...

    def prepare_update(self, new: Object, old: Object) -> None: ...

    def validate_create(self, new: Object) -> list[FieldError]:
        return []

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return []

    def warnings(self, new: Object) -> list[str]:
        return []


def any_name(name: str, prefix: bool) -> list[str]:
    return []


def make(group: str, version: str, kind: str, *, subresources: tuple[str, ...] = (), **more: Any) -> ResourceType:
    """A type of that kind; `more` are fields of ResourceType."""
    plain = Plain()
    fields: dict[str, Any] = {
        "resource": f"{kind.lower()}s",
        "singular": kind.lower(),
        "namespaced": True,
        "schema": Node("object"),
        "schema_name": f"test.{kind}",
        "list_kind": f"{kind}List",
        **more,
    }
    return ResourceType(
        group=group,
        version=version,
        kind=kind,
        codec=plain,
        strategy=plain,
        check_name=any_name,
        subresources=dict.fromkeys(subresources, plain),
        **fields,
    )
