"""Field managers and their entries in `metadata.managedFields` (meta/v1 ManagedFieldsEntry).

An entry belongs to a manager: its name, the operation, the subresource, and for updates the API version too; an applier
stays one manager whatever version it applies in. Entries stand in the order of operation (appliers first), time (those
without one first), name, version, subresource. At most ten updaters are kept; the oldest are merged into one called
`ancient-changes`, so that an object written by ever new names does not grow without bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from manifold.base.clock import canonical
from manifold.schema.ownership.fields import Fields, parsed, union

Entry = dict[str, Any]
"""One ManagedFieldsEntry as JSON: manager, operation, apiVersion, time, fieldsType, fieldsV1, subresource."""

Identity = tuple[str, str, str, str]
"""What makes two entries the same manager's: name, operation, subresource, and the version of an updater."""

MAX_UPDATERS = 10
ANCIENT = "ancient-changes"
BEFORE_APPLY = "before-first-apply"


@dataclass(frozen=True, slots=True)
class Manager:
    """Who writes: the field manager's name, how, in which API version, and through which subresource (or none)."""

    name: str
    operation: Literal["Update", "Apply"]
    api_version: str
    subresource: str = ""

    @property
    def identity(self) -> Identity:
        """What this manager's entry is found by."""
        version = self.api_version if self.operation == "Update" else ""
        return self.name, self.operation, self.subresource, version

    def entry(self, fields: Fields, time: str | None) -> Entry:
        """This manager's entry for a set of fields; without a time where that is empty or None."""
        entry: Entry = {}
        if self.name:
            entry["manager"] = self.name
        entry["operation"] = self.operation
        entry["apiVersion"] = self.api_version
        if time:
            entry["time"] = time
        entry["fieldsType"] = "FieldsV1"
        entry["fieldsV1"] = fields
        if self.subresource:
            entry["subresource"] = self.subresource
        return entry


def identity(entry: Entry) -> Identity:
    """Whose entry this is."""
    operation = entry["operation"]
    version = entry["apiVersion"] if operation == "Update" else ""
    return entry.get("manager", ""), operation, entry.get("subresource", ""), version


def _order(entry: Entry) -> tuple[str, str, str, str, str]:
    return (
        entry["operation"],
        entry.get("time") or "",
        entry.get("manager", ""),
        entry["apiVersion"],
        entry.get("subresource", ""),
    )


def arranged(entries: list[Entry]) -> list[Entry]:
    """Entries in the order of the wire."""
    if len(entries) > 1:
        entries.sort(key=_order)
    return entries


def owners(entry: Entry, fields: Fields) -> Entry:
    """The same manager's entry with other fields, its time unchanged."""
    return {**entry, "fieldsV1": fields}


def is_reset(value: object) -> bool:
    """Whether a client's managedFields ask for all owners to be forgotten: a list of one empty entry.

    An empty list does not: clients that know nothing of the field must not wipe it by accident.
    """
    return isinstance(value, list) and len(value) == 1 and not value[0]


def entries_from_client(value: object) -> list[Entry]:
    """Entries a client sent, checked and in the form of this package; a manager's later entry replaces an earlier one.

    Raises ValueError, with what Kubernetes logs, where they cannot be used; the object's present ones then stand.
    """
    if not isinstance(value, list):
        raise ValueError("managedFields is not a list")
    found: dict[Identity, Entry] = {}
    for position, sent in enumerate(value):
        if not isinstance(sent, dict):
            raise ValueError("a managed fields entry is not an object")
        operation, version = sent.get("operation"), sent.get("apiVersion")
        if operation not in ("Apply", "Update"):
            raise ValueError("operation must be `Apply` or `Update`")
        if not version or not isinstance(version, str):
            raise ValueError("apiVersion must not be empty")
        kind = sent.get("fieldsType")
        if not kind:
            raise ValueError(f"missing fieldsType in managed fields entry {position}")
        if kind != "FieldsV1":
            raise ValueError(f'invalid fieldsType "{kind}" in managed fields entry {position}')
        name, subresource, time = sent.get("manager") or "", sent.get("subresource") or "", sent.get("time")
        if not isinstance(name, str) or not isinstance(subresource, str):
            raise ValueError("a manager's name and subresource are strings")
        manager = Manager(name, operation, version, subresource)
        fields = parsed(sent.get("fieldsV1") or {})
        fields.pop(".", None)
        found[manager.identity] = manager.entry(fields, canonical(time) if isinstance(time, str) else None)
    return list(found.values())


def capped(entries: Sequence[Entry]) -> list[Entry]:
    """Entries with at most `MAX_UPDATERS` of updaters: the oldest of a version become one, as old as its youngest."""
    kept = list(entries)
    updaters = [entry for entry in kept if entry["operation"] == "Update"]
    surplus = len(updaters) - MAX_UPDATERS
    if surplus <= 0:
        return kept
    updaters.sort(key=lambda entry: (entry.get("time") or "", identity(entry)))
    buckets: dict[str, Entry] = {}
    for entry in updaters:
        if surplus <= 0:
            break
        version = entry["apiVersion"]
        first = buckets.get(version)
        if first is None:
            buckets[version] = entry
            continue
        bucket = Manager(ANCIENT, "Update", version)
        merging = [first, entry]
        merging += [other for other in kept if identity(other) == bucket.identity and other is not first]
        kept = [other for other in kept if not any(other is one for one in merging)]
        fields: Fields = {}
        for one in merging:
            fields = union(fields, one["fieldsV1"])
        merged = bucket.entry(fields, entry.get("time"))
        kept.append(merged)
        buckets[version] = merged
        surplus -= 1
    return kept
