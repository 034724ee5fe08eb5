"""JSON patch (RFC 6902): a list of operations on places named by JSON pointers (RFC 6901).

Where Kubernetes is more lenient than the RFC, and clients may have come to rely on it, so is this: `replace` of an
absent member of an object adds it, `test` for null holds of an absent member, and a negative index counts from the end.
A patch that does not apply is refused without saying why, as there.

Operations change containers in place, but each container is copied before its first change, so that a patch costs what
it touches and the document stays as it was. What `copy` may produce is bounded, or a few operations could double a
document until memory is full; so is depth, because each operation can nest what it adds in what another one has added.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from manifold.base.errors import StatusError, bad_request
from manifold.schema.json_documents import too_deep
from manifold.schema.patches.equality import equal
from manifold.schema.patches.printing import json_kind

MAX_OPERATIONS = 10_000
MAX_COPIED_BYTES = 3 << 20

_MEMBERS = frozenset(("op", "path", "from", "value"))
_INDEX = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_BAD_ESCAPE = re.compile(r"~(?![01])")
_MISSING: Any = object()


class _Inapplicable(Exception):
    """The patch does not apply to the document."""


def apply_json_patch(document: Any, operations: object) -> Any:
    """The document after all operations, in order; it shares unchanged parts with the document and the values given.

    Raises StatusError: 400 where `operations` is no list of operations, 413 where there are more than `MAX_OPERATIONS`,
    422 where one of them cannot be carried out or a test fails; then nothing has happened.
    """
    if operations is None:
        return document
    checked = _checked(operations)
    if len(checked) > MAX_OPERATIONS:
        message = f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(checked)}"
        raise StatusError(413, "RequestEntityTooLarge", f"Request entity too large: {message}")
    patched = _Patched(document)
    try:
        for operation in checked:
            patched.carry_out(operation)
        if patched.nested and too_deep(patched.root):
            raise _Inapplicable
    except _Inapplicable:
        message = "the server rejected our request due to an error in our request"
        raise StatusError(422, "Invalid", message, {}) from None
    return patched.root


def unknown_members(operations: list[dict[str, Any]]) -> list[str]:
    """What strict field validation tells of members no operation has: `json patch unknown field "[0].extra"`."""
    return [
        f'json patch unknown field "[{position}].{name}"'
        for position, operation in enumerate(operations)
        for name in operation
        if name not in _MEMBERS
    ]


def _checked(operations: object) -> list[Any]:
    """The operations, if they have the form of such. Raises the 400 of a body that cannot be decoded."""

    def refused(value: object, place: str) -> StatusError:
        return bad_request(f"error decoding patch: json: cannot unmarshal {json_kind(value)} into Go {place}")

    if not isinstance(operations, list):
        raise refused(operations, "value of type []handlers.jsonPatchOp")
    for operation in operations:
        if not isinstance(operation, dict):
            if operation is None:
                continue
            raise refused(operation, "value of type handlers.jsonPatchOp")
        for name in ("op", "path", "from"):
            value = operation.get(name)
            if value is not None and not isinstance(value, str):
                raise refused(value, f"struct field jsonPatchOp.{name} of type string")
    return operations


def pointer(text: object) -> list[str]:
    """The reference tokens of a JSON pointer; none for the whole document. Raises _Inapplicable for anything else."""
    if not isinstance(text, str) or (text and text[0] != "/") or _BAD_ESCAPE.search(text):
        raise _Inapplicable
    return [token.replace("~1", "/").replace("~0", "~") for token in text.split("/")[1:]]


class _Patched:
    """A document under patch. `_own` holds the containers that were copied (or made) here and may be changed; `nested`
    tells whether a container was put in, so that the document may have become deeper.
    """

    __slots__ = ("_copied", "_own", "nested", "root")

    def __init__(self, document: Any) -> None:
        self.root = document
        self._own: dict[int, Any] = {}
        self._copied = 0
        self.nested = False

    def carry_out(self, operation: Any) -> None:
        """One operation. Raises _Inapplicable."""
        if not isinstance(operation, dict):
            raise _Inapplicable
        name = operation.get("op")
        path = pointer(operation.get("path"))
        if name == "test":
            if not equal(self._find(path, absent_is_null=True), operation.get("value")):
                raise _Inapplicable
        elif name == "remove":
            self._remove(path)
        elif name == "add" or name == "replace":
            if "value" not in operation:
                raise _Inapplicable
            self._put(path, operation["value"], insert=name == "add")
        elif name == "move":
            source = pointer(operation.get("from"))
            if source == path:
                self._find(source)
            elif path[: len(source)] == source:
                raise _Inapplicable
            else:
                self._put(path, self._remove(source), insert=True)
        elif name == "copy":
            self._put(path, self._copy(self._find(pointer(operation.get("from")))), insert=True)
        else:
            raise _Inapplicable

    def _copy(self, value: Any) -> Any:
        """An independent copy, counted against the bound."""
        try:
            encoded = orjson.dumps(value)
        except orjson.JSONEncodeError:
            raise _Inapplicable from None
        self._copied += len(encoded)
        if self._copied > MAX_COPIED_BYTES:
            raise _Inapplicable
        return orjson.loads(encoded)

    def _find(self, path: list[str], absent_is_null: bool = False) -> Any:
        value = self.root
        last = len(path) - 1
        for depth, token in enumerate(path):
            if isinstance(value, dict):
                found = value.get(token, _MISSING)
                if found is _MISSING:
                    if absent_is_null and depth == last:
                        return None
                    raise _Inapplicable
                value = found
            elif isinstance(value, list):
                value = value[_index(token, len(value))]
            else:
                raise _Inapplicable
        return value

    def _container(self, path: list[str]) -> Any:
        """The container that holds the place `path`, and every one on the way to it, made our own."""
        value = self.root = self._owned(self.root)
        for token in path[:-1]:
            key: Any = token if isinstance(value, dict) else _index(token, len(value))
            inner = value.get(key, _MISSING) if isinstance(value, dict) else value[key]
            if inner is _MISSING:
                raise _Inapplicable
            value[key] = value = self._owned(inner)
        return value

    def _owned(self, value: Any) -> Any:
        if id(value) in self._own:
            return value
        if isinstance(value, dict):
            value = dict(value)
        elif isinstance(value, list):
            value = list(value)
        else:
            raise _Inapplicable
        self._own[id(value)] = value
        return value

    def _put(self, path: list[str], value: Any, insert: bool) -> None:
        self.nested = self.nested or isinstance(value, dict | list)
        if not path:
            self.root = value
            return
        container, token = self._container(path), path[-1]
        if isinstance(container, dict):
            container[token] = value
        elif not insert:
            container[_index(token, len(container))] = value
        elif token == "-":
            container.append(value)
        else:
            container.insert(_index(token, len(container) + 1), value)

    def _remove(self, path: list[str]) -> Any:
        if not path:
            raise _Inapplicable
        container, token = self._container(path), path[-1]
        if isinstance(container, list):
            return container.pop(_index(token, len(container)))
        if token not in container:
            raise _Inapplicable
        return container.pop(token)


def _index(token: str, size: int) -> int:
    """A list index below `size`; a negative one counts back from `size`."""
    if not _INDEX.fullmatch(token):
        raise _Inapplicable
    index = int(token)
    if index < 0:
        index += size
    if not 0 <= index < size:
        raise _Inapplicable
    return index
