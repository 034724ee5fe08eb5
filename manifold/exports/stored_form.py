"""Exports and bindings in the version they are stored in, whatever version a client writes.

Effects see an object in the version of the request. What those of exports and bindings decide rests on fields that only
the stored version has (verbs and selectors of claims, resources), so they work on that form; it is converted back,
losslessly, before the object is written (APIs reference, sections 2.5 and 3.3).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

from manifold.registry.effects import Effects, Operation, Plan
from manifold.types.resource import Object


class StoredForm(Effects):
    """Effects that are told of objects in their stored version."""

    def __init__(self, inner: Effects) -> None:
        self._inner = inner
        self.in_turn = inner.in_turn
        self.grace_period = inner.grace_period
        self.counts_deletion = inner.counts_deletion

    async def creating(self, operation: Operation, new: Object, plan: Plan) -> None:
        """See `Effects`."""
        with _stored(operation, new) as stored:
            await self._inner.creating(operation, stored, plan)

    async def updating(self, operation: Operation, new: Object, old: Object, plan: Plan) -> None:
        """See `Effects`."""
        with _stored(operation, new) as stored, _stored(operation, old) as before:
            await self._inner.updating(operation, stored, before, plan)

    async def deleting(self, operation: Operation, old: Object, plan: Plan) -> bool:
        """See `Effects`."""
        with _stored(operation, old) as stored:
            return await self._inner.deleting(operation, stored, plan)

    async def removing(self, operation: Operation, old: Object, plan: Plan) -> None:
        """See `Effects`."""
        with _stored(operation, old) as stored:
            await self._inner.removing(operation, stored, plan)

    def finished(self, obj: Object) -> bool:
        """See `Effects`."""
        return self._inner.finished(obj)


@contextmanager
def _stored(operation: Operation, obj: Object) -> Iterator[Object]:
    """An object of a request in its stored form; what is changed there is found in `obj` afterwards."""
    convert = operation.served.type.convert
    if convert is None:
        yield obj
        return
    complete = copy.deepcopy(obj)
    for part in ("spec", "status"):
        complete[part] = complete.get(part) or {}
    stored = convert.to_stored(complete)
    yield stored
    back = convert.from_stored(stored)
    metadata: Object = obj["metadata"]  # which the verb holds on to
    metadata.clear()
    metadata.update(back["metadata"])
    obj.clear()
    obj.update({**back, "metadata": metadata})
