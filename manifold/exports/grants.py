"""What a binding grants its export, noted in the commit that writes the binding.

Three things follow from the accepted claims of a binding: its row in the index from exports to consumers, by which a
view decides what a provider may do; what the resolution row of its logical cluster says of claims, by which objects
are labelled as they are written; and work to be done where objects are there already (APIs reference, sections 3.8
and 5.2).
"""

from __future__ import annotations

from collections.abc import Iterable

from manifold.base import keys
from manifold.exports import bindings
from manifold.exports.register import Register
from manifold.registry.effects import Plan
from manifold.storage.contract import Snapshot
from manifold.types.resource import Object
from manifold.views.consumers import (
    GrantedClaim,
    consumer_key,
    consumer_value,
    consumers_prefix,
    read_consumer,
)
from manifold.views.rows import Claimed


async def note(
    plan: Plan, register: Register, cluster: str, name: str, export: tuple[str, str], binding: Object | None
) -> None:
    """Note what the binding `name` in `cluster` grants `export` (its logical cluster and name). None: it is gone.

    The register is changed and still has to be written.
    """
    key = consumer_key(*export, cluster, name)
    row = await plan.snapshot.get(key)
    granted: list[GrantedClaim] = []
    if binding is None:
        if row is not None:
            plan.delete(key)
    else:
        value = consumer_value(binding)
        granted += read_consumer(key, value).claims
        if row is None or row.value != value:
            plan.put(key, value)
    # Claims of an export are told once, whatever the number of its bindings.
    prefix = consumers_prefix(*export, cluster)
    for other in await plan.snapshot.scan(prefix, keys.after(prefix)):
        if other.key != key:
            granted += read_consumer(other.key, other.value).claims
    label = bindings.export_label(*export)
    kept = [one for one in register.claims if one.label != label]
    register.claims = sorted([*kept, *claimed(label, granted)], key=lambda one: (one.label, one.value))
    await register.relabel(plan)


def claimed(label: str, claims: Iterable[GrantedClaim]) -> list[Claimed]:
    """Claims as the objects they are about are labelled for them, each once. An object that one of several equal claims
    selects is labelled.
    """
    found: list[Claimed] = []
    for one in claims:
        told = {"group": one.group, "resource": one.resource, "identityHash": one.identity}
        value = bindings.claim_label(told)
        made = Claimed(label, value, one.group, one.resource, one.identity, one.selector)
        if made not in found:
            found.append(made)
    return found


async def rows_of(snapshot: Snapshot, found: Iterable[tuple[str, Object]]) -> list[bytes]:
    """The keys of the rows of bindings that go with their whole logical cluster; (logical cluster, binding)."""
    due = []
    for cluster, binding in found:
        name = binding["metadata"]["name"]
        reference = binding["spec"]["reference"]["export"]
        known = (binding.get("status") or {}).get("apiExportClusterName")
        for home in {str(known or cluster), str(reference.get("path") or cluster)}:
            key = consumer_key(home, reference["name"], cluster, name)
            if await snapshot.get(key) is not None:
                due.append(key)
    return due
