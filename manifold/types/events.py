"""Events: what happened to an object, in two groups that are two spellings of one stored type.

Records are written as core/v1, because that form holds every field whatever door an event came through;
`events.k8s.io/v1` is converted from and to it, field by field, without loss. Events with `eventTime` are of the new
kind (KEP-383): they say who reports and what was done, wherever they are written. The group `events.k8s.io` takes only
those, and lets nothing but the series of one be changed. Errors name the fields as core/v1 does, in both groups, as
Kubernetes' do.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from manifold.base import clock, names
from manifold.base.fields import FieldError, immutable, invalid, required
from manifold.types.declaring import built_in
from manifold.types.resource import Column, Object
from manifold.types.strategies import PlainStrategy

TEXT_LIMIT = 128
"""Longest `reportingInstance`, `action` and `reason`, in bytes."""
NOTE_LIMIT = 1024
"""Longest `message`, in bytes."""

_TO_CORE = {
    "regarding": "involvedObject",
    "note": "message",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
    "reportingController": "reportingComponent",
}
_FROM_CORE = {core: new for new, core in _TO_CORE.items()}
_ALWAYS_IN_CORE: Mapping[str, Any] = {
    "involvedObject": {},
    "source": {},
    "firstTimestamp": None,
    "lastTimestamp": None,
    "eventTime": None,
    "reportingComponent": "",
    "reportingInstance": "",
}
_ALWAYS_IN_NEW: Mapping[str, Any] = {
    "eventTime": None,
    "regarding": {},
    "deprecatedSource": {},
    "deprecatedFirstTimestamp": None,
    "deprecatedLastTimestamp": None,
}
_NAMES_IN_ORDER = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_UNCHANGING = (
    "involvedObject",
    "reason",
    "message",
    "source",
    "firstTimestamp",
    "lastTimestamp",
    "count",
    "reason",
    "type",
    "eventTime",
    "action",
    "related",
    "reportingController",
    "reportingInstance",
)
"""What `events.k8s.io` lets nobody change, in the order it is told; `reason` is told twice there."""


def _renamed(obj: Object, spelling: Mapping[str, str]) -> Object:
    return {spelling.get(name, name): value for name, value in obj.items()}


class EventConversion:
    """Between `events.k8s.io/v1` and the core/v1 form in which events are stored."""

    __slots__ = ()

    def to_stored(self, obj: Object) -> Object:
        """An event in core form."""
        stored = _renamed(obj, _TO_CORE)
        stored["apiVersion"], stored["kind"] = "v1", "Event"
        for name, empty in _ALWAYS_IN_CORE.items():
            if name not in stored:
                stored[name] = dict(empty) if isinstance(empty, dict) else empty
        series = stored.get("series")
        if series is not None and series.get("count") == 0:
            # Written in one form, left out in the other.
            stored["series"] = {name: value for name, value in series.items() if name != "count"}
        return stored

    def from_stored(self, obj: Object) -> Object:
        """A stored event in the form of the group."""
        served = _renamed(obj, _FROM_CORE)
        served["apiVersion"], served["kind"] = "events.k8s.io/v1", "Event"
        for name, empty in _ALWAYS_IN_NEW.items():
            if name not in served:
                served[name] = dict(empty) if isinstance(empty, dict) else empty
        for name in ("reportingController", "reportingInstance"):
            if not served.get(name):
                served.pop(name, None)
        series = served.get("series")
        if series is not None and ("count" not in series or "lastObservedTime" not in series):
            served["series"] = {"count": 0, "lastObservedTime": None, **series}
        return served


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))


def _at_most(event: Mapping[str, Any], field: str, limit: int) -> list[FieldError]:
    if _length(event.get(field) or "") <= limit:
        return []
    return [invalid(field, "", f"can have at most {limit} characters")]


def _common_errors(event: Mapping[str, Any], reporter: str) -> list[FieldError]:
    """What is wrong with an event of either group, in core form; `reporter` is what the group calls the controller."""
    namespace = event["metadata"].get("namespace") or ""
    involved = (event.get("involvedObject") or {}).get("namespace") or ""
    errors: list[FieldError] = []
    if not event.get("eventTime"):
        if namespace != involved and (involved or namespace != "default"):
            errors.append(invalid("involvedObject.namespace", involved, "does not match event.namespace"))
    else:
        if not involved and namespace not in ("default", "kube-system"):
            errors.append(invalid("involvedObject.namespace", involved, "does not match event.namespace"))
        controller = event.get("reportingComponent") or ""
        if not controller:
            errors.append(required(reporter))
        errors.extend(invalid(reporter, controller, text) for text in names.label_key(controller))
        for field in ("reportingInstance", "action", "reason"):
            if not event.get(field):
                errors.append(required(field))
            errors.extend(_at_most(event, field, TEXT_LIMIT))
        errors.extend(_at_most(event, "message", NOTE_LIMIT))
    errors.extend(invalid("namespace", namespace, text) for text in names.dns_subdomain(namespace))
    return errors


def _series_errors(event: Mapping[str, Any]) -> list[FieldError]:
    series = event.get("series")
    if series is None:
        return []
    errors = []
    if series.get("count", 0) < 2:
        errors.append(invalid("series.count", "", "should be at least 2"))
    if not series.get("lastObservedTime"):
        errors.append(required("series.lastObservedTime"))
    return errors


class CoreEventStrategy(PlainStrategy):
    """Events of core/v1: the old kind with few rules, the new kind with those of its fields."""

    __slots__ = ()

    def validate(self, new: Object) -> list[FieldError]:
        """All that is wrong with an event, new or changed."""
        return _common_errors(new, "reportingComponent")


class EventStrategy(PlainStrategy):
    """Events of `events.k8s.io`: only the new kind, nothing deprecated, and unchangeable but for the series."""

    __slots__ = ()

    def validate_create(self, new: Object) -> list[FieldError]:
        """All that is wrong with a new event."""
        event = _renamed(new, _TO_CORE)
        errors = _common_errors(event, "reportingController") + _series_errors(event)
        if not event.get("eventTime"):
            errors.append(required("eventTime"))
        kind = event.get("type", "")
        if kind not in ("Normal", "Warning"):
            errors.append(invalid("type", "", f"has invalid value: {kind}"))
        errors.extend(
            invalid(field, "", "needs to be unset")
            for field in ("firstTimestamp", "lastTimestamp", "count")
            if event.get(field)
        )
        if any((event.get("source") or {}).values()):
            errors.append(invalid("source", "", "needs to be unset"))
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """All that is wrong with the event, and what of it has changed although it may not."""
        event, before = _renamed(new, _TO_CORE), _renamed(old, _TO_CORE)
        errors = _common_errors(event, "reportingController")
        for field in _UNCHANGING:
            name = "reportingComponent" if field == "reportingController" else field
            value = event.get(name)
            if (value or None) != (before.get(name) or None):
                errors.extend(immutable(field, "" if value is None else value, before.get(name)))
        return errors + _series_errors(event)


def _seen(event: Mapping[str, Any], now: datetime) -> tuple[str, str, int]:
    """When an event was first and last seen, as ages, and how often, whichever of its fields say so."""
    first = clock.age(event.get("firstTimestamp") or event.get("eventTime"), now)
    last = clock.age(event["lastTimestamp"], now) if event.get("lastTimestamp") else first
    count: int = event.get("count") or 1
    series = event.get("series")
    if series is not None:
        last, count = clock.age(series.get("lastObservedTime"), now), series.get("count", 0)
    return first, last, count


def _source(event: Mapping[str, Any]) -> str:
    source = event.get("source") or {}
    component = source.get("component") or event.get("reportingComponent") or ""
    instance = source.get("host") or event.get("reportingInstance") or ""
    return f"{component}, {instance}" if instance else component


def _target(event: Mapping[str, Any]) -> str:
    involved = event.get("involvedObject") or {}
    kind, name = involved.get("kind", "").lower(), involved.get("name", "")
    return f"{kind}/{name}" if name else kind


def _columns(core: bool) -> tuple[Column, ...]:
    """The columns of a group. Each cell reads the event in core form, which another group's event is brought into."""

    def column(name: str, cell: Any, description: str, priority: int = 0, form: str = "") -> Column:
        def of_core(obj: Object, now: datetime) -> Any:
            return cell(obj, now)

        def of_new(obj: Object, now: datetime) -> Any:
            return cell(_renamed(obj, _TO_CORE), now)

        return Column(name, of_core if core else of_new, format=form, description=description, priority=priority)

    def text(field: str) -> Any:
        return lambda event, now: event.get(field) or ""

    return (
        column("Last Seen", lambda event, now: _seen(event, now)[1], "Time since it was last seen"),
        column("Type", text("type"), "Normal or Warning"),
        column("Reason", text("reason"), "Why it happened, in one word"),
        column("Object", lambda event, now: _target(event), "What it happened to"),
        column(
            "Subobject",
            lambda event, now: (event.get("involvedObject") or {}).get("fieldPath", ""),
            "Which part of the object it happened to",
            1,
        ),
        column("Source", lambda event, now: _source(event), "Who reports it", 1),
        column("Message", lambda event, now: (event.get("message") or "").strip(), "What happened"),
        column("First Seen", lambda event, now: _seen(event, now)[0], "Time since it was first seen", 1),
        column("Count", lambda event, now: _seen(event, now)[2], "How often it was seen", 1),
        column("Name", lambda event, now: event["metadata"].get("name", ""), "Name of the event", 1, "name"),
    )


def _field_labels(event: Mapping[str, Any], prefix: str, reporter: str) -> dict[str, str]:
    metadata = event["metadata"]
    involved = event.get("involvedObject") or {}
    labels = {f"{prefix}.{name}": involved.get(name, "") for name in _NAMES_IN_ORDER}
    labels["reason"] = event.get("reason") or ""
    labels[reporter] = event.get("reportingComponent") or ""
    labels["type"] = event.get("type") or ""
    labels["metadata.namespace"] = metadata.get("namespace", "")
    labels["metadata.name"] = metadata["name"]
    return labels


def _core_labels(obj: Object) -> Mapping[str, str]:
    labels = _field_labels(obj, "involvedObject", "reportingComponent")
    labels["source"] = (obj.get("source") or {}).get("component") or labels["reportingComponent"]
    return labels


def _new_labels(obj: Object) -> Mapping[str, str]:
    return _field_labels(_renamed(obj, _TO_CORE), "regarding", "reportingController")


def _selectable(prefix: str, *more: str) -> tuple[str, ...]:
    return (
        *(f"{prefix}.{name}" for name in _NAMES_IN_ORDER),
        *more,
        "reason",
        "type",
        "metadata.namespace",
        "metadata.name",
    )


CORE_EVENTS = built_in(
    "",
    "v1",
    "events",
    "Event",
    CoreEventStrategy(),
    namespaced=True,
    check_name=names.segment_name,
    short_names=("ev",),
    columns=_columns(core=True),
    field_labels=_core_labels,
    selectable=_selectable("involvedObject", "reportingComponent", "source"),
    create_on_update=True,
)
EVENTS = built_in(
    "events.k8s.io",
    "v1",
    "events",
    "Event",
    EventStrategy(),
    namespaced=True,
    short_names=("ev",),
    columns=_columns(core=False),
    field_labels=_new_labels,
    selectable=_selectable("regarding", "reportingController"),
    stored_group="",
    stored_resource="events",
    stored_version="v1",
    convert=EventConversion(),
    create_on_update=True,
    refused_as=("", "Event"),
)

TYPES = (EVENTS,)
