"""What a write passes before it is committed: the question, and who may answer it.

A plugin changes objects in `admit` and refuses them in `validate`, as in Kubernetes: all `admit` run before
validation of the object itself, all `validate` after it. Plugins read other objects only through the snapshot the
write is computed from, and put a guard on whatever their answer rests on, so that a decision cannot be overtaken by
a concurrent write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from manifold.base.user import User
from manifold.storage.contract import Guard, Snapshot
from manifold.types.resource import Object, ResourceType

Action = Literal["CREATE", "UPDATE", "DELETE"]


@dataclass(slots=True)
class Admission:
    """One write on its way.

    `new` is None for a deletion, `old` for a creation. `guards` and `warnings` are the plugin's to add to:
    conditions the commit is bound to, and texts for Warning headers. `identity` is that of the type's export, empty
    for types of the server itself. `authority` is by whose rights the user writes, where these are not its own.
    """

    action: Action
    user: User
    cluster: str
    type: ResourceType
    identity: str
    namespace: str
    name: str
    subresource: str
    new: Object | None
    old: Object | None
    snapshot: Snapshot
    dry_run: bool = False
    guards: list[Guard] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    authority: User | None = None

    @property
    def object(self) -> Object:
        """The new object. Only for a creation or an update."""
        if self.new is None:
            raise ValueError("a deletion has no new object")
        return self.new


class Plugin:
    """A decision about writes of some types. The base class decides nothing."""

    async def admit(self, request: Admission) -> None:
        """Change `request.new`, or refuse with a `StatusError`."""

    async def validate(self, request: Admission) -> None:
        """Refuse with a `StatusError`, or do nothing."""


class Chain:
    """Plugins by the (group, resource) they are for; those registered for no type in particular see every write."""

    def __init__(
        self,
        everywhere: Iterable[Plugin] = (),
        by_type: Mapping[tuple[str, str], Sequence[Plugin]] | None = None,
    ) -> None:
        self._everywhere = tuple(everywhere)
        self._by_type = {key: self._everywhere + tuple(plugins) for key, plugins in (by_type or {}).items()}

    def _plugins(self, request: Admission) -> tuple[Plugin, ...]:
        return self._by_type.get((request.type.group, request.type.resource), self._everywhere)

    def concerns(self, kind: ResourceType) -> bool:
        """Whether any plugin looks at writes of a type."""
        return bool(self._by_type.get((kind.group, kind.resource), self._everywhere))

    async def admit(self, request: Admission) -> None:
        """Let every plugin change the object."""
        for plugin in self._plugins(request):
            await plugin.admit(request)

    async def validate(self, request: Admission) -> None:
        """Let every plugin refuse the object."""
        for plugin in self._plugins(request):
            await plugin.validate(request)
