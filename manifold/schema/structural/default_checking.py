"""Defaults of a schema must be valid by the very schema they are in, pruned, and embedded resources where they are.

A default inside the metadata of an embedded resource says too little on its own; it is looked at in an object that has
nothing else. What additionalProperties describe is not followed, as Kubernetes does not (KEP-1111).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from manifold.base.fields import FieldError, Path
from manifold.schema.structural.embedded import EmbeddedError, decode_embedded
from manifold.schema.structural.pruning import META
from manifold.schema.structural.schema import Structural
from manifold.schema.structural.validation import same_json, unstructured

Schema = dict[str, Any]
Wrap = Callable[[Any], Any]
"""Puts a value where it belongs in an object that has nothing else."""
_EMBEDDED = "x-kubernetes-embedded-resource"


def default_errors(schema: Schema, path: Path) -> list[FieldError]:
    """What is wrong with the defaults in the schema of a whole object."""
    errors: list[FieldError] = []
    _walk({**schema, _EMBEDDED: True}, path, {}, lambda value: value, False, errors)
    return errors


def _walk(schema: Schema, path: Path, holder: Schema, wrap: Wrap, inside: bool, errors: list[FieldError]) -> None:
    """Check the default of `schema` and those below it; `inside` the metadata of `holder`, to which `wrap` leads."""
    if schema.get(_EMBEDDED):
        inside, holder, wrap = False, schema, lambda value: value
    default = schema.get("default")
    if default is not None:
        copy = orjson.loads(orjson.dumps(default))
        place = path.child("default")
        errors += _inside(schema, copy, place, holder, wrap) if inside else _alone(schema, copy, place)
    items = schema.get("items")
    if isinstance(items, dict):
        _walk(items, path.child("items"), holder, lambda value: wrap([value]), inside, errors)
    for name, child in (schema.get("properties") or {}).items():
        meta = inside or (bool(schema.get(_EMBEDDED)) and name in META)
        _walk(child, path.child("properties").key(name), holder, _field(wrap, name), meta, errors)


def _field(wrap: Wrap, name: str) -> Wrap:
    return lambda value: wrap({name: value})


def _alone(schema: Schema, default: Any, path: Path) -> list[FieldError]:
    part = Structural(schema, root=False)
    errors: list[FieldError] = []
    pruned = orjson.loads(orjson.dumps(default))
    part.prune_fields(pruned)
    if not same_json(pruned, default):
        errors.append(unstructured(path, default, "must not have unknown fields"))
    try:
        decode_embedded(schema, default, path)
    except EmbeddedError as error:
        return [*errors, error.problem]
    return errors + (part.embedded_errors(default, path) or part.check(default, field=path))


def _inside(schema: Schema, default: Any, path: Path, holder: Schema, wrap: Wrap) -> list[FieldError]:
    obj = orjson.loads(orjson.dumps(wrap(default)))
    whole = {"kind": "Validation", "apiVersion": "validation/v1", **(obj if type(obj) is dict else {})}
    text = "must result in valid metadata: "
    try:
        decode_embedded(holder, whole, Path(""))
    except EmbeddedError as error:
        return [unstructured(path, default, f"{text}{error.problem}")]
    wrong = [str(error) for error in Structural(holder, root=False).embedded_errors(whole)]
    if wrong:
        told = wrong[0] if len(wrong) == 1 else f"[{', '.join(dict.fromkeys(wrong))}]"
        return [unstructured(path, default, text + told)]
    return Structural(schema, root=False).check(default, field=path)
