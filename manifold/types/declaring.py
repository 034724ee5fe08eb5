"""How a built-in type is declared: what differs is said, what follows from group, version and kind is filled in.

The schema, its name in OpenAPI, the codec and the protobuf message all follow from the kind; the columns that nearly
every type has are here too.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from manifold.base import clock, names
from manifold.schema.loading import built_in_schemas, schema_name
from manifold.schema.protobuf.envelope import message_for
from manifold.schema.typed import TypedCodec
from manifold.types.resource import Column, Object, ResourceType, Strategy

CREATE_ONLY = ("create",)
NAME_TEXT = "Unique name among the objects of this type, and of this namespace where they have one"
AGE_TEXT = "Time since the object was created"


def name_cell(obj: Object, now: datetime) -> str:
    """The object's name."""
    name: str = obj["metadata"].get("name", "")
    return name


def age_cell(obj: Object, now: datetime) -> str:
    """How long the object has existed, as a human reads it."""
    return clock.age(obj["metadata"].get("creationTimestamp"), now)


def created_cell(obj: Object, now: datetime) -> str:
    """When the object was created."""
    created: str = obj["metadata"].get("creationTimestamp", "")
    return created


NAME = Column("Name", name_cell, format="name", description=NAME_TEXT)
AGE = Column("Age", age_cell, description=AGE_TEXT)
CREATED = Column("Created At", created_cell, "date", description="When the object was created")


def built_in(
    group: str,
    version: str,
    resource: str,
    kind: str,
    strategy: Strategy,
    *,
    namespaced: bool,
    check_name: names.NameCheck = names.subdomain_name,
    **more: Any,  # the remaining fields of ResourceType, each checked there
) -> ResourceType:
    """The type of a built-in kind. Raises KeyError where there is no schema of that kind."""
    full_name = schema_name(group, version, kind)
    schema = built_in_schemas()[full_name]
    return ResourceType(
        group=group,
        version=version,
        resource=resource,
        singular=kind.lower(),
        kind=kind,
        namespaced=namespaced,
        schema=schema,
        schema_name=full_name,
        codec=TypedCodec(schema, kind, version),
        strategy=strategy,
        check_name=check_name,
        list_kind=f"{kind}List",
        protobuf=message_for(group, version, kind),
        **more,
    )
