"""What a schema says of lists and maps (KEP-1979): that set and map fit what they are said of.

Two of Kubernetes' texts show something else than what is wrong; they are kept, because texts are compared.
"""

from __future__ import annotations

from typing import Any

from manifold.base.fields import FieldError, Path, forbidden, invalid, not_supported, required

Schema = dict[str, Any]
_KEYED = "this property is in x-kubernetes-list-map-keys, so it"
_LIST, _MAP, _KEYS = "x-kubernetes-list-type", "x-kubernetes-map-type", "x-kubernetes-list-map-keys"


def topology_errors(schema: Schema, path: Path) -> list[FieldError]:
    """What is wrong with the extensions about lists and maps of the schema at `path`."""
    errors: list[FieldError] = []
    kind, items = schema.get("type") or "", schema.get("items")
    map_type, list_type = schema.get(_MAP), schema.get(_LIST)
    if map_type is not None:
        errors += _of_type("object", _MAP, kind, path)
        if map_type not in ("atomic", "granular"):
            errors.append(not_supported(path.child(_MAP), map_type, ("atomic", "granular")))
    if list_type is not None:
        misplaced = _of_type("array", _LIST, kind, path)
        errors += misplaced
        if not misplaced and list_type == "set" and isinstance(items, dict):
            errors += _set_errors(items, path.child("items"))
        if list_type not in ("atomic", "map", "set"):
            errors.append(not_supported(path.child(_LIST), list_type, ("atomic", "set", "map")))
    keys = schema.get(_KEYS) or []
    if keys and list_type != "map":
        place, text = path.child(_LIST), "must be map if x-kubernetes-list-map-keys is non-empty"
        errors.append(required(place, text) if list_type is None else invalid(place, list_type, text))
    if list_type == "map":
        errors += _map_errors(keys, items, path)
    if list_type in ("set", "map") and isinstance(items, dict):
        errors += _element_errors(list_type, keys, items, path.child("items"))
    return errors


def _of_type(wanted: str, extension: str, kind: str, path: Path) -> list[FieldError]:
    if kind == wanted:
        return []
    text = f"must be {wanted} if {extension} is specified"
    return [invalid(path.child("type"), kind, text) if kind else required(path.child("type"), text)]


def _set_errors(items: Schema, path: Path) -> list[FieldError]:
    text = "must be atomic as item of a list with x-kubernetes-list-type=set"
    nested = items.get(_LIST)
    if items.get("type") == "array" and nested not in (None, "atomic"):
        return [invalid(path.child(_LIST), nested, text)]
    if items.get("type") == "object" and items.get(_MAP) != "atomic":
        return [invalid(path.child(_MAP), nested, text)]  # not what is wrong, but what Kubernetes shows
    return []


def _map_errors(keys: list[str], items: Any, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    if not keys:
        errors.append(required(path.child(_KEYS), "must not be empty if x-kubernetes-list-type is map"))
    if items is None:
        errors.append(required(path.child("items"), "must have a schema if x-kubernetes-list-type is map"))
    elif not isinstance(items, dict):
        text = "must only have a single schema if x-kubernetes-list-type is map"
        errors.append(invalid(path.child("items"), items, text))
    elif items.get("type") != "object":
        text = "must be object if parent array's x-kubernetes-list-type is map"
        errors.append(invalid(path.child("items", "type"), items.get("type") or "", text))
    else:
        errors += _key_errors(keys, items, path)
    return errors


def _key_errors(keys: list[str], items: Schema, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    described = items.get("properties") or {}
    for position, name in enumerate(keys):
        child = described.get(name)
        if child is None:
            errors.append(invalid(path.child(_KEYS), keys, "entries must all be names of item properties"))
        elif child.get("type") in ("array", "object"):
            place = path.child("items", "properties").key(name).child("type")
            text = "must be a scalar type if parent array's x-kubernetes-list-type is map"
            errors.append(invalid(place, "object", text))  # the type of the element, as Kubernetes shows it
        if name in keys[:position]:
            errors.append(invalid(path.child(_KEYS), keys, "must not contain duplicate entries"))
    return errors


def _element_errors(list_type: str, keys: list[str], items: Schema, path: Path) -> list[FieldError]:
    """What keeps elements of a set or map, and the keys of a map, from being told apart."""
    errors: list[FieldError] = []
    if items.get("nullable"):
        text = f"cannot be nullable when x-kubernetes-list-type is {list_type}"
        errors.append(forbidden(path.child("nullable"), text))
    described = items.get("properties") or {}
    for name in keys if list_type == "map" else ():
        child = described.get(name)
        if child is None:
            continue
        place = path.child("properties").key(name)
        if name not in (items.get("required") or ()) and child.get("default") is None:
            errors.append(required(place.child("default"), f"{_KEYED} must have a default or be a required property"))
        if child.get("nullable"):
            errors.append(forbidden(place.child("nullable"), f"{_KEYED} cannot be nullable"))
    return errors
