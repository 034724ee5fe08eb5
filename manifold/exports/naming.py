"""Which names a CustomResourceDefinition is granted, and the conditions that say so.

Names are unique per group in a logical cluster: plural, singular and short names among each other, kind and list kind
among each other. What was granted once is kept until the definition asks for another. A definition whose names are
all granted is Established and stays so (Kubernetes API reference, CustomResourceDefinitionStatus).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from manifold.types.resource import Object, ResourceType
from manifold.views.rows import Defined

NAMES_ACCEPTED, ESTABLISHED, TERMINATING = "NamesAccepted", "Established", "Terminating"


@dataclass(slots=True)
class Used:
    """The names that others have in a group."""

    resources: set[str] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)

    def add_types(self, types: Iterable[ResourceType], group: str) -> None:
        """Count the types of a group."""
        for one in types:
            if one.group == group:
                self.resources.update((one.resource, one.singular, *one.short_names))
                self.kinds.update((one.kind, one.list_kind))

    def add_definitions(self, definitions: Iterable[Defined], name: str) -> None:
        """Count the definitions of the same group as `name`, without itself."""
        group = name.partition(".")[2]
        for one in definitions:
            if one.group == group and one.name != name:
                self.resources.update((one.plural, one.singular, *one.short_names))
                self.kinds.update((one.kind, one.list_kind))


@dataclass(frozen=True, slots=True)
class Granted:
    """What a definition is granted, and the first things that stand against the rest."""

    names: Object
    reason: str = "NoConflicts"
    message: str = "no conflicts found"

    @property
    def complete(self) -> bool:
        """Whether it is granted all it asks for."""
        return self.reason == "NoConflicts"


def grant(wanted: Object, granted: Object, used: Used) -> Granted:
    """Grant the names of `wanted` (spec.names) that are free or were `granted` before (status.acceptedNames)."""
    names = dict(granted)
    reason, message = "NoConflicts", "no conflicts found"

    def single(name: str, taken: set[str], conflict: str) -> None:
        nonlocal reason, message
        value = wanted.get(name) or ""
        if value != (granted.get(name) or "") and value in taken:
            reason, message = conflict, _in_use(value)
        elif value:
            names[name] = value
        else:
            names.pop(name, None)

    single("plural", used.resources, "PluralConflict")
    single("singular", used.resources, "SingularConflict")
    short: Sequence[str] = wanted.get("shortNames") or ()
    before = granted.get("shortNames") or ()
    taken = [name for name in short if name not in before and name in used.resources]
    if taken:
        told = list(dict.fromkeys(_in_use(name) for name in taken))
        reason, message = "ShortNamesConflict", told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    elif short:
        names["shortNames"] = list(short)
    else:
        names.pop("shortNames", None)
    single("kind", used.kinds, "KindConflict")
    single("listKind", used.kinds, "ListKindConflict")
    if wanted.get("categories"):
        names["categories"] = list(wanted["categories"])
    else:
        names.pop("categories", None)
    names.setdefault("plural", "")
    names.setdefault("kind", "")
    order = ("plural", "singular", "shortNames", "kind", "listKind", "categories")
    return Granted({name: names[name] for name in order if name in names}, reason, message)


def _in_use(name: str) -> str:
    return f'"{name}" is already in use'


def condition(kind: str, status: bool, reason: str, message: str, timestamp: str) -> Object:
    """A condition of a definition."""
    told = "True" if status else "False"
    return {"type": kind, "status": told, "lastTransitionTime": timestamp, "reason": reason, "message": message}


def put_condition(status: Object, wanted: Object) -> None:
    """Put a condition in its place, or behind the others; the time is that of the last change of its status."""
    conditions = status.get("conditions") or []
    for position, one in enumerate(conditions):
        if one.get("type") == wanted["type"]:
            kept = one.get("lastTransitionTime") if one.get("status") == wanted["status"] else None
            conditions[position] = {**wanted, "lastTransitionTime": kept or wanted["lastTransitionTime"]}
            break
    else:
        conditions.append(wanted)
    status["conditions"] = conditions


def drop_condition(status: Object, kind: str) -> None:
    """Take a condition away."""
    status["conditions"] = [one for one in status.get("conditions") or () if one.get("type") != kind]


def tell(status: Object, granted: Granted, established: bool, timestamp: str) -> None:
    """Say in a status what was granted, and whether the definition is served."""
    status["acceptedNames"] = granted.names
    put_condition(status, condition(NAMES_ACCEPTED, granted.complete, granted.reason, granted.message, timestamp))
    if established:
        text = "the initial names have been accepted"
        put_condition(status, condition(ESTABLISHED, True, "InitialNamesAccepted", text, timestamp))
    else:
        put_condition(status, condition(ESTABLISHED, False, "NotAccepted", "not all names are accepted", timestamp))
