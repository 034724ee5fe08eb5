"""Strategic merge patch: a merge patch that knows the schema, so that lists can be merged and not only replaced.

A list whose field has the patch strategy `merge` is merged member by member, found by its merge key, or by value where
members are scalars. Directives in the patch say what plain values cannot: `$patch: replace | delete` on an object or a
list member, `$retainKeys` (what else an object may keep), `$setElementOrder/x` and `$deleteFromPrimitiveList/x`.
Specified by the API conventions ("Strategic Merge Patch"); order and texts by recorded exchanges. A patch that
contradicts itself is answered with 500, as Kubernetes does, since clients match the texts that come with it.
"""

from __future__ import annotations

from typing import Any

from manifold.base.errors import StatusError, bad_request
from manifold.schema.model import ANY, Node
from manifold.schema.patches.printing import json_kind, printed

_PATCH = "$patch"
_RETAIN = "$retainKeys"
_ORDER = "$setElementOrder"
_DELETE = "$deleteFromPrimitiveList"
_BAD_RETAIN_KEYS = "invalid patch format of retainKeys"
_BAD_PRIMITIVES = "invalid patch format of primitive list"
_BAD_ORDER = "invalid patch format of setElementOrder list"


def apply_strategic_merge_patch(document: dict[str, Any], patch: object, node: Node) -> dict[str, Any]:
    """The document with the patch merged in as the schema `node` has it; it shares unchanged parts with both.

    Raises StatusError: 400 where the patch is not an object, 500 where its directives do not fit what they stand in.
    """
    if patch is None:
        return document
    if not isinstance(patch, dict):
        raise bad_request(f"json: cannot unmarshal {json_kind(patch)} into Go value of type map[string]interface {{}}")
    return _object(document, patch, node)


def _refused(message: str) -> StatusError:
    return StatusError(500, "", message)


def _is_directive(name: str) -> bool:
    return name[:1] == "$" and (name in (_PATCH, _RETAIN) or name.startswith((_ORDER, _DELETE)))


def _bare(value: Any) -> Any:
    """A value that has nothing to be merged with: without directives, and without the nulls and members that delete."""
    if isinstance(value, dict):
        return {name: _bare(inner) for name, inner in value.items() if inner is not None and not _deletes(name, inner)}
    if isinstance(value, list):
        return [
            _bare(item) for item in value if not (isinstance(item, dict) and item.get(_PATCH) in ("delete", "replace"))
        ]
    return value


def _deletes(name: str, value: Any) -> bool:
    return _is_directive(name) or (isinstance(value, dict) and value.get(_PATCH) == "delete")


def _named(directive: str, prefix: str, complaint: str) -> str:
    """The field a parallel list such as `$setElementOrder/containers` is about."""
    parts = directive.split("/")
    if len(parts) != 2 or parts[0] != prefix or not parts[1]:
        raise _refused(complaint)
    return parts[1]


def _strategies(node: Node) -> list[str]:
    return node.patch_strategy.split(",") if node.patch_strategy else []


def _object(original: dict[str, Any], patch: dict[str, Any], node: Node) -> dict[str, Any]:
    if _PATCH in patch:
        directive = patch[_PATCH]
        if directive == "delete":
            return {}
        if directive == "replace":
            return {
                name: _bare(value) for name, value in patch.items() if not _is_directive(name) and value is not None
            }
        raise _refused(f"unknown patch type: {printed(directive)} in map: {printed(patch)}")
    result = dict(original)
    if _RETAIN in patch:
        _retain(result, patch)
    ordered: set[str] = set()
    for name, order in patch.items():
        if name.startswith(_ORDER):
            field = _named(name, _ORDER, _BAD_ORDER)
            ordered.add(field)
            _arrange(result, field, patch, order, node.child(field) or ANY)
    for name, value in patch.items():
        if name[:1] == "$" and _is_directive(name):
            if name.startswith(_DELETE):
                _delete_from(result, _named(name, _DELETE, _BAD_PRIMITIVES), value)
        elif value is None:
            result.pop(name, None)
        elif name not in ordered:
            merged = _value(result.get(name), value, node.child(name) or ANY)
            if merged is None:
                result.pop(name, None)
            else:
                result[name] = merged
    return result


def _value(before: Any, value: Any, node: Node) -> Any:
    """One field merged; None where nothing is left of it."""
    if isinstance(value, dict):
        if isinstance(before, dict):
            return (
                _bare(value) if "replace" in _strategies(node) and _PATCH not in value else _object(before, value, node)
            )
        if value.get(_PATCH) == "delete":
            return None
        return _object({}, value, node)
    if isinstance(value, list):
        if "merge" in _strategies(node):
            return _list(before if isinstance(before, list) else [], value, node)
        return _bare(value)
    return value


def _retain(result: dict[str, Any], patch: dict[str, Any]) -> None:
    """`$retainKeys`: the object loses every field that is not listed; the patch may set none but those."""
    retained = patch[_RETAIN]
    if not isinstance(retained, list):
        raise _refused(_BAD_RETAIN_KEYS)
    for name, value in patch.items():
        if value is not None and not _is_directive(name) and name not in retained:
            raise _refused(_BAD_RETAIN_KEYS)
    for name in [name for name in result if name not in retained]:
        del result[name]


def _delete_from(result: dict[str, Any], field: str, values: Any) -> None:
    """`$deleteFromPrimitiveList`: the list loses the values given."""
    if not isinstance(values, list):
        raise _refused(_BAD_PRIMITIVES)
    before = result.get(field)
    if isinstance(before, list):
        result[field] = [item for item in before if item not in values]


def _merge_key(item: Any, key: str) -> Any:
    """The value a list member is found by."""
    if not isinstance(item, dict):
        raise _refused(f"list element types are not identical: {printed(item)}")
    if key not in item:
        raise _refused(f"map: {printed(item)} does not contain declared merge key: {key}")
    return item[key]


def _list(before: list[Any], patch: list[Any], node: Node) -> list[Any]:
    """Two lists merged: the patch's members in the patch's order, the others where they stood among them."""
    key = node.patch_key
    if not any(isinstance(item, dict) for item in (*before, *patch)):
        if any(isinstance(item, list) for item in (*before, *patch)):
            raise _refused("list element types are not identical: []")
        order = _unique(patch)
        return _interleaved([item for item in before if item not in order], order, before, "")
    if not key:
        raise _refused(f"cannot merge lists without merge key for {node.type_name or node.go}")
    kept, given, replace = _special(before, patch, key)
    if replace:
        return given
    places: dict[Any, int] = {}
    for position, item in enumerate(kept):
        places.setdefault(_hashable(_merge_key(item, key)), position)
    inner = node.items or ANY
    merged: dict[Any, Any] = {}
    for item in given:
        name = _hashable(_merge_key(item, key))
        if name in merged:
            merged[name] = _object(merged[name], item, inner)
        elif name in places:
            merged[name] = _object(kept[places[name]], item, inner)
        else:
            merged[name] = _object({}, item, inner)
    others = [item for item in kept if _hashable(_merge_key(item, key)) not in merged]
    return _interleaved(others, list(merged.values()), kept, key)


def _special(before: list[Any], patch: list[Any], key: str) -> tuple[list[Any], list[Any], bool]:
    """What directives among a list's members do: the list without what they delete, the patch without them, and whether
    the patch replaces the list."""
    kept, given, replace = before, [], False
    for item in patch:
        directive = item.get(_PATCH) if isinstance(item, dict) else None
        if directive is None:
            given.append(item)
        elif directive == "delete":
            gone = _merge_key(item, key)
            kept = [other for other in kept if _merge_key(other, key) != gone]
        elif directive == "replace":
            replace = True
        elif directive == "merge":
            raise _refused("merging lists cannot yet be specified in the patch")
        else:
            raise _refused(f"unknown patch type: {printed(directive)} in map: {printed(item)}")
    return kept, [_bare(item) for item in given] if replace else given, replace


def _hashable(value: Any) -> Any:
    """A merge key's value that can be looked up; true is not 1."""
    return printed(value) if isinstance(value, dict | list | bool) else value


def _unique(values: list[Any]) -> list[Any]:
    result: list[Any] = []
    for value in values:
        if value not in result:
            result.append(value)
    return result


def _interleaved(others: list[Any], ordered: list[Any], before: list[Any], key: str) -> list[Any]:
    """Two lists as one, both in their order: one of `others` comes first where it did so in `before`."""

    def name(item: Any) -> Any:
        return _hashable(item.get(key) if key else item)

    places: dict[Any, int] = {}
    for position, item in enumerate(before):
        places.setdefault(name(item), position)
    result: list[Any] = []
    position = 0
    for item in ordered:
        place = places.get(name(item))
        while place is not None and position < len(others) and places[name(others[position])] < place:
            result.append(others[position])
            position += 1
        result.append(item)
    return result + others[position:]


def _arrange(result: dict[str, Any], field: str, patch: dict[str, Any], order: Any, node: Node) -> None:
    """`$setElementOrder`: merge the list `field`, then put it in the order given."""
    if not isinstance(order, list):
        raise _refused(_BAD_ORDER)
    key = node.patch_key
    before, given = result.get(field), patch.get(field)
    if given is not None and not isinstance(given, list):
        raise _refused(_BAD_ORDER)
    if given:
        _check_order(given, order, key)
    if not isinstance(before, list):
        if given is None:
            return
        before = []
    if given is None and field in patch:
        result.pop(field, None)
        return
    merged = before if given is None else _value(before, given, node)
    names = [_hashable(_merge_key(item, key) if key else item) for item in order]
    ranks: dict[Any, int] = {}
    for position, name in enumerate(names):
        ranks.setdefault(name, position)

    def rank(item: Any) -> int | None:
        return ranks.get(_hashable(_merge_key(item, key) if key else item))

    listed = sorted((item for item in merged if rank(item) is not None), key=lambda item: rank(item) or 0)
    result[field] = _interleaved([item for item in merged if rank(item) is None], listed, before, key)


def _check_order(given: list[Any], order: list[Any], key: str) -> None:
    """Refuse an order that does not hold the patch's members one after the other."""
    left = iter(_hashable(_merge_key(item, key) if key else item) for item in order)
    for item in given:
        if isinstance(item, dict) and _PATCH in item:
            continue
        name = _hashable(_merge_key(item, key) if key else item)
        if not any(other == name for other in left):
            raise _refused(
                f"The order in patch list:\n{printed(given)}\n doesn't match {_ORDER} list:\n{printed(order)}\n"
            )
