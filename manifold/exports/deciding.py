"""What a binding gets of the export it refers to: a pure function of both, and of what others hold already.

Whoever comes first holds a resource, and a name in its group; who comes later gets the rest, and all of it as soon as
the first one goes. What an export offers no longer stays bound (APIs reference, sections 3.5 and 3.6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from manifold.exports.bindings import Export, ExportedResource
from manifold.views.rows import SERVED, Defined

_SINGLE = (("plural", "plural"), ("singular", "singular"))
_KINDS = (("kind", "kind"), ("listKind", "list_kind"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """`resources` are those the binding serves of what is offered now, `served` all it serves, by name; `naming` is
    what stands against the others' names.
    """

    resources: tuple[ExportedResource, ...]
    served: tuple[Defined, ...]
    naming: str


def decide(
    export: Export, blocked: Iterable[str], kept: Mapping[str, Defined], others: Iterable[tuple[str, Defined]]
) -> Outcome:
    """What a binding gets. `blocked`: the locks that others hold; `kept`: what it serves already, by name; `others`:
    what else there is, with the words for whose it is.
    """
    held = frozenset(blocked)
    against = list(others)
    offered = {one.name: one for one in export.offered}
    resources, naming = [], ""
    served = {name: replace(one, identity="", flags=SERVED) for name, one in kept.items()}
    for resource in export.resources:
        if resource.lock in held:
            continue
        found = naming_conflict(offered[resource.lock], against)
        if found:
            naming = naming or found
            continue
        resources.append(resource)
        served[resource.lock] = offered[resource.lock]
    return Outcome(tuple(resources), tuple(served[name] for name in sorted(served)), naming)


def naming_conflict(wanted: Defined, others: Iterable[tuple[str, Defined]]) -> str:
    """What stands against the names of a resource in its group; empty where nothing does."""
    for whose, other in others:
        if other.group != wanted.group or other.name == wanted.name:
            continue
        resources = {other.plural, other.singular, *other.short_names} - {""}
        kinds = {other.kind, other.list_kind} - {""}
        told = [(field, getattr(wanted, name), resources) for field, name in _SINGLE]
        told += [("shortNames", name, resources) for name in wanted.short_names]
        told += [(field, getattr(wanted, name), kinds) for field, name in _KINDS]
        for field, value, taken in told:
            if value in taken:
                return f"naming conflict with {whose}: spec.names.{field}={value} is forbidden"
    return ""
