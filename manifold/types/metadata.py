"""What ObjectMeta must look like, on create and on update, whatever the type (API conventions, "Metadata").

The registry asks here once per write, before the type's own validation. Nearly every answer is "nothing wrong", so each
part is looked at only where it is present, and on update only where it differs from what is stored, which was checked
when it was written. Kubernetes looks at metadata twice on update and tells what it finds twice; so does this module,
because causes are compared one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from manifold.base import names
from manifold.base.fields import FieldError, Path, forbidden, immutable, invalid, quote, required
from manifold.base.label_validation import validate_labels
from manifold.schema.object_metadata import (
    ANNOTATIONS_LIMIT,
    FOREGROUND,
    NOT_QUALIFIED,
    ORPHAN,
    STANDARD_FINALIZERS,
    validate_annotations,
    validate_finalizers,
    validate_owners,
)
from manifold.types.resource import Object

__all__ = (
    "ANNOTATIONS_LIMIT",
    "FOREGROUND",
    "NOT_QUALIFIED",
    "ORPHAN",
    "STANDARD_FINALIZERS",
    "validate_annotations",
    "validate_create",
    "validate_update",
)

_METADATA = Path("metadata")
_NAME = _METADATA.child("name")
_GENERATE_NAME = _METADATA.child("generateName")
_NAMESPACE = _METADATA.child("namespace")
_GENERATION = _METADATA.child("generation")
_LABELS = _METADATA.child("labels")
_ANNOTATIONS = _METADATA.child("annotations")
_OWNERS = _METADATA.child("ownerReferences")
_FINALIZERS = _METADATA.child("finalizers")
_UNCHANGING = (
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)


def validate_create(
    metadata: Object, namespaced: bool, check_name: names.NameCheck, custom: bool = False
) -> list[FieldError]:
    """All that is wrong with the metadata of a new object.

    `check_name` is the type's; `custom` spares finalizers the need for a domain, as custom resources are.
    """
    errors: list[FieldError] = []
    prefix = metadata.get("generateName")
    if prefix:
        errors.extend(invalid(_GENERATE_NAME, prefix, text) for text in check_name(prefix, True))
    name = metadata.get("name")
    if not name:
        errors.append(required(_NAME, "name or generateName is required"))
    elif texts := check_name(name, False):
        errors.extend(invalid(_NAME, name, text) for text in texts)
    namespace = metadata.get("namespace")
    if namespaced:
        if not namespace:
            errors.append(required(_NAMESPACE))
        elif texts := names.dns_label(namespace):
            errors.extend(invalid(_NAMESPACE, namespace, text) for text in texts)
    elif namespace:
        errors.append(forbidden(_NAMESPACE, "not allowed on this type"))
    generation = metadata.get("generation", 0)
    if generation < 0:
        errors.append(invalid(_GENERATION, generation, "must be greater than or equal to 0"))
    if labels := metadata.get("labels"):
        errors.extend(validate_labels(labels, _LABELS))
    if annotations := metadata.get("annotations"):
        errors.extend(validate_annotations(annotations, _ANNOTATIONS))
    if owners := metadata.get("ownerReferences"):
        errors.extend(validate_owners(owners, _OWNERS))
    if finalizers := metadata.get("finalizers"):
        errors.extend(validate_finalizers(finalizers, _FINALIZERS, custom))
    return errors


def validate_update(new: Object, old: Object, custom: bool = False) -> list[FieldError]:
    """All that is wrong with the metadata `new` as the successor of `old`; each error twice."""
    errors: list[FieldError] = []
    for part, check in _PARTS:
        value = new.get(part)
        if value and value != old.get(part):
            errors.extend(check(value))
    finalizers = new.get("finalizers")
    if finalizers and finalizers != old.get("finalizers"):
        errors.extend(validate_finalizers(finalizers, _FINALIZERS, custom))
        if "deletionTimestamp" in old:
            errors.extend(_no_new_finalizers(finalizers, old.get("finalizers") or ()))
    generation, before = new.get("generation", 0), old.get("generation", 0)
    if generation < before:
        errors.append(invalid(_GENERATION, generation, "must not be decremented"))
    for name in _UNCHANGING:
        if new.get(name) != old.get(name):
            value = new.get(name)
            shown = value if value is not None or name.endswith(("Timestamp", "Seconds")) else ""
            errors.extend(immutable(_METADATA.child(name), shown, old.get(name)))
    return errors + errors


def _no_new_finalizers(new: Iterable[str], old: Iterable[str]) -> list[FieldError]:
    added = sorted(set(new) - set(old))
    if not added:
        return []
    listed = ", ".join(quote(name) for name in added)
    text = f"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{listed}}}"
    return [forbidden(_FINALIZERS, text)]


_PARTS: tuple[tuple[str, Callable[[Any], list[FieldError]]], ...] = (
    ("labels", lambda labels: validate_labels(labels, _LABELS)),
    ("annotations", lambda annotations: validate_annotations(annotations, _ANNOTATIONS)),
    ("ownerReferences", lambda owners: validate_owners(owners, _OWNERS)),
)
