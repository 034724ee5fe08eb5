"""Objects the server writes itself: default content of workspaces and namespaces, and what it starts with.

They are built like anyone's objects but without admission, validation and field ownership: their content is the
server's own and known to be good, and leaving managedFields out keeps an empty workspace small. A later apply finds
no owner and takes what it names (KEP-555, objects from before the first apply).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from manifold.base import clock
from manifold.registry.served import Served
from manifold.registry.writing import CLUSTER_ANNOTATION, Clock
from manifold.storage.contract import Write
from manifold.types.resource import Object, ResourceType


class Kinds:
    """The types the server writes, as it stores them: by group and resource, with the identity of their export."""

    def __init__(self, types: Sequence[ResourceType], identities: Mapping[tuple[str, str], str]) -> None:
        self._served: dict[tuple[str, str], Served] = {}
        for one in types:
            key = (one.group, one.resource)
            found = self._served.get(key)
            if found is None or one.version == (one.stored_version or one.version):
                self._served[key] = Served(one, identities.get(key, ""))
        ranges: dict[bytes, Served] = {}
        for served in self._served.values():
            if served.prefix not in ranges or served.plain:
                ranges[served.prefix] = served
        self._ranges = tuple(ranges.values())

    def get(self, group: str, resource: str) -> Served:
        """The stored form of a type. Raises KeyError for one the server does not know."""
        return self._served[(group, resource)]

    def all(self) -> Sequence[Served]:
        """Every type in its stored form, each range of objects once: of types that share one, that which it is named
        after.
        """
        return self._ranges


@dataclass(frozen=True, slots=True)
class Author:
    """Where and when objects are written; `timestamp` is that time as objects carry it."""

    kinds: Kinds
    clock: Clock
    cluster: str
    now: datetime
    timestamp: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "timestamp", clock.format_seconds(self.now))

    def condition(self, kind: str) -> Object:
        """A condition of kcp's form that is true since now."""
        return {"type": kind, "status": "True", "lastTransitionTime": self.timestamp}

    def write(
        self,
        served: Served,
        name: str,
        body: Object,
        *,
        namespace: str = "",
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        finalizers: Sequence[str] = (),
        owners: Sequence[Object] = (),
        uid: str = "",
    ) -> Write:
        """The write of a new object with `body` beside its metadata."""
        metadata: Object = {"name": name}
        if namespace:
            metadata["namespace"] = namespace
        metadata["uid"] = uid or self.clock.uid()
        if served.type.generation:
            metadata["generation"] = 1
        metadata["creationTimestamp"] = self.timestamp
        if labels:
            metadata["labels"] = dict(labels)
        metadata["annotations"] = {**(annotations or {}), CLUSTER_ANNOTATION: self.cluster}
        if finalizers:
            metadata["finalizers"] = list(finalizers)
        if owners:
            metadata["ownerReferences"] = list(owners)
        obj = {"apiVersion": served.type.api_version, "kind": served.type.kind, "metadata": metadata, **body}
        return Write(served.key(self.cluster, namespace, name), served.encode(obj))
