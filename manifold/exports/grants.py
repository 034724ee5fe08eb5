"""What a logical cluster has granted, noted in the commit that writes the binding that grants it.

The row of a logical cluster says which claims its bindings accept, by which objects are labelled as they are written;
where objects are there already, that is work to be done (APIs reference, section 3.8).
"""

from __future__ import annotations

from collections.abc import Iterable

from manifold.base import keys
from manifold.exports import bindings
from manifold.exports.register import Register
from manifold.registry.effects import Plan
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
    """Note in the register what the binding `name` in `cluster` grants `export` (its logical cluster and name). None:
    it is gone. The register still has to be written.
    """
    key = consumer_key(*export, cluster, name)
    granted: list[GrantedClaim] = []
    if binding is not None:
        granted += read_consumer(key, consumer_value(binding)).claims
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
