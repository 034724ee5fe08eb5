"""metadata of a custom resource: always an ObjectMeta (meta/v1), whatever its schema says.

Unknown fields go, empty optional ones are left out, a wrong JSON type is refused in the words of Go's decoder. Embedded
resources have metadata of the same form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from manifold.schema.structural.formats import parse_time
from manifold.schema.structural.validation import json_type


class MetadataError(ValueError):
    """metadata is no ObjectMeta; the message is the decoder's."""


def _refuse(value: Any, place: str, go: str) -> MetadataError:
    found = {"boolean": "bool", "integer": "number"}.get(json_type(value), json_type(value))
    if found == "number":
        shown = f"number {value}" if go.startswith("int") else "number"
        return MetadataError(f"json: cannot unmarshal {shown} into Go struct field {place} of type {go}")
    return MetadataError(f"json: cannot unmarshal {found} into Go struct field {place} of type {go}")


Coercion = Callable[[Any, str, str, list[str]], Any]
"""Takes a value, its name in decoder errors, its path, the list of unknown fields; gives the stored form or None."""


def _text(go: str = "string", keep_empty: bool = False) -> Coercion:
    def coerce(value: Any, place: str, path: str, unknown: list[str]) -> Any:
        if type(value) is not str:
            raise _refuse(value, place, go)
        return value if value or keep_empty else None

    return coerce


def _flag(value: Any, place: str, path: str, unknown: list[str]) -> Any:
    if type(value) is not bool:
        raise _refuse(value, place, "bool")
    return value


def _number(value: Any, place: str, path: str, unknown: list[str]) -> Any:
    if type(value) is not int:
        raise _refuse(value, place, "int64")
    return value


def _generation(value: Any, place: str, path: str, unknown: list[str]) -> Any:
    return _number(value, place, path, unknown) or None


def _time(value: Any, place: str, path: str, unknown: list[str]) -> Any:
    if type(value) is not str:
        raise _refuse(value, place, "v1.Time")
    moment = parse_time(value)
    if moment is None:
        raise MetadataError(f'parsing time "{value}" as "2006-01-02T15:04:05Z07:00": cannot parse "{value}" as "2006"')
    if len(value) == 20 and value[10] == "T" and value[19] == "Z":
        return value
    from datetime import UTC

    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _texts(value: Any, place: str, path: str, unknown: list[str]) -> Any:
    if type(value) is not dict:
        raise _refuse(value, place, "map[string]string")
    for name, entry in value.items():
        if type(entry) is not str:
            if entry is not None:
                raise _refuse(entry, place, "string")
            value[name] = ""
    return value or None


def _list(element: Coercion, go: str) -> Coercion:
    def coerce(value: Any, place: str, path: str, unknown: list[str]) -> Any:
        if type(value) is not list:
            raise _refuse(value, place, go)
        return [element(item, place, f"{path}[{position}]", unknown) for position, item in enumerate(value)] or None

    return coerce


def _struct(go: str, fields: dict[str, Coercion]) -> Coercion:
    def coerce(value: Any, place: str, path: str, unknown: list[str]) -> Any:
        if type(value) is not dict:
            raise _refuse(value, place, "v1." + go)
        for name in list(value):
            known = fields.get(name)
            if known is None:
                del value[name]
                unknown.append(f"{path}.{name}")
                continue
            entry = value[name]
            kept = known(entry, f"{go}.{name}", f"{path}.{name}", unknown) if entry is not None else None
            if kept is None:
                del value[name]
            elif kept is not entry:
                value[name] = kept
        return value

    return coerce


def _any(value: Any, place: str, path: str, unknown: list[str]) -> Any:
    if type(value) is not dict:
        raise _refuse(value, place, "v1.FieldsV1")
    return value


_always = _text(keep_empty=True)
_OWNER = _struct(
    "OwnerReference",
    {
        "apiVersion": _always,
        "kind": _always,
        "name": _always,
        "uid": _text("types.UID", keep_empty=True),
        "controller": _flag,
        "blockOwnerDeletion": _flag,
    },
)
_MANAGED = _struct(
    "ManagedFieldsEntry",
    {
        "manager": _text(),
        "operation": _text("v1.ManagedFieldsOperationType"),
        "apiVersion": _text(),
        "time": _time,
        "fieldsType": _text(),
        "fieldsV1": _any,
        "subresource": _text(),
    },
)
_OBJECT_META = _struct(
    "ObjectMeta",
    {
        "name": _text(),
        "generateName": _text(),
        "namespace": _text(),
        "selfLink": _text(),
        "uid": _text("types.UID"),
        "resourceVersion": _text(),
        "generation": _generation,
        "creationTimestamp": _time,
        "deletionTimestamp": _time,
        "deletionGracePeriodSeconds": _number,
        "labels": _texts,
        "annotations": _texts,
        "ownerReferences": _list(_OWNER, "[]v1.OwnerReference"),
        "finalizers": _list(_always, "[]string"),
        "managedFields": _list(_MANAGED, "[]v1.ManagedFieldsEntry"),
    },
)


def coerce_metadata(holder: dict[str, Any], path: str, unknown: list[str]) -> None:
    """Bring `holder["metadata"]` into stored form in place; `path` is its path.

    Adds the paths of unknown fields to `unknown`. Raises MetadataError.
    """
    metadata = holder.get("metadata")
    if metadata is None:
        holder.pop("metadata", None)
        return
    if type(metadata) is not dict:
        raise MetadataError(f"json: cannot unmarshal {json_type(metadata)} into Go value of type v1.ObjectMeta")
    _OBJECT_META(metadata, "", path, unknown)
