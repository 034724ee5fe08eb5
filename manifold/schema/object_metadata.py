"""The parts of ObjectMeta that look alike everywhere: annotations, finalizers, owner references.

They are checked in the metadata of an object (`manifold.types.metadata`) and in that of objects embedded in custom
resources, so where they are is told by the caller (API conventions, "Metadata").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from manifold.base import names
from manifold.base.fields import FieldError, Path, invalid, too_long
from manifold.base.label_validation import validate_labels

ANNOTATIONS_LIMIT = 256 * 1024
"""Total size of annotation keys and values, in bytes."""
MANAGER_LIMIT = 128
"""Length of the name of a manager of fields, in bytes."""
_SUBRESOURCE_LIMIT = 256
_TOLD = 32
"""How many surplus controllers are told: each error shows all owners, so their number must not grow with them."""
_ERRORS = 1000
"""How many mistakes in owner references are looked for: a small body can hold tens of thousands."""
ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"
STANDARD_FINALIZERS = frozenset(("kubernetes", ORPHAN, FOREGROUND))
"""The finalizers that need no domain."""
_OWNER_FIELDS = ("apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion")
NOT_QUALIFIED = "name is neither a standard finalizer name nor is it fully qualified"


def validate_annotations(annotations: Mapping[str, str], path: Path) -> list[FieldError]:
    """What is wrong with annotations: their keys (case is free, unlike in labels) and their size all together."""
    errors: list[FieldError] = []
    size = 0
    for key, value in annotations.items():
        size += len(key) + (len(value) if value.isascii() else len(value.encode(errors="surrogatepass")))
        folded = key.lower()
        if not names.is_label_key(folded):
            errors.extend(invalid(path, key, text) for text in names.label_key(folded))
    if size > ANNOTATIONS_LIMIT:
        errors.append(too_long(path, ANNOTATIONS_LIMIT))
    return errors


def validate_finalizers(finalizers: Sequence[str], path: Path, custom: bool = False) -> list[FieldError]:
    """What is wrong with finalizers. Those of custom resources need no domain."""
    errors: list[FieldError] = []
    for finalizer in finalizers:
        if not names.is_label_key(finalizer):
            errors.extend(invalid(path, finalizer, text) for text in names.label_key(finalizer))
    if ORPHAN in finalizers and FOREGROUND in finalizers:
        text = f"finalizer {ORPHAN} and {FOREGROUND} cannot be both set"
        errors.append(invalid(path, list(finalizers), text))
    if not custom:
        for position, finalizer in enumerate(finalizers):
            if "/" not in finalizer and finalizer not in STANDARD_FINALIZERS:
                errors.append(invalid(path.at(position), finalizer, NOT_QUALIFIED))
    return errors


def _owner_shown(owner: Mapping[str, Any]) -> dict[str, Any]:
    """An owner reference as errors show it: fields in the order of declaration, those that must be there always."""
    shown: dict[str, Any] = {name: owner.get(name, "") for name in _OWNER_FIELDS[:4]}
    shown.update((name, owner[name]) for name in _OWNER_FIELDS[4:] if owner.get(name) is not None)
    return shown


def validate_owners(owners: Sequence[Mapping[str, Any]], path: Path) -> list[FieldError]:
    """What is wrong with owner references: incomplete ones, Events as owners, two controllers."""
    errors: list[FieldError] = []
    controller = ""
    surplus = 0
    for owner in owners:
        if len(errors) >= _ERRORS:
            break
        api_version, kind, name = owner.get("apiVersion", ""), owner.get("kind", ""), owner.get("name", "")
        if not api_version or api_version == "/" or api_version.count("/") > 1 or api_version.endswith("/"):
            errors.append(invalid(path.child("apiVersion"), api_version, "version must not be empty"))
        for part in ("kind", "name", "uid"):
            if not owner.get(part):
                errors.append(invalid(path.child(part), "", "must not be empty"))
        if kind == "Event" and api_version == "v1":
            errors.append(invalid(path, _owner_shown(owner), "/v1, Kind=Event is disallowed from being an owner"))
        if owner.get("controller"):
            current = f"{kind}/{name}"
            if controller:
                surplus += 1
                if surplus > _TOLD:
                    continue
                text = (
                    "Only one reference can have Controller set to true. Found "
                    f'"true" in references for {controller} and {current}'
                )
                errors.append(invalid(path, [_owner_shown(each) for each in owners], text))
            else:
                controller = current
    return errors


def validate_manager(name: str, path: str) -> list[FieldError]:
    """What is wrong with the name of a manager of fields."""
    errors: list[FieldError] = []
    if len(name.encode(errors="surrogatepass")) > MANAGER_LIMIT:
        errors.append(too_long(path, MANAGER_LIMIT))
    for position, character in enumerate(name):
        if not character.isprintable():
            errors.append(invalid(path, name, f"invalid character U+{ord(character):04X} (at position {position})"))
            break
    return errors


def _validate_owned(entries: Sequence[Mapping[str, Any]], path: Path) -> list[FieldError]:
    """What is wrong with managedFields, which nobody keeps up to date in objects that are part of another one."""
    errors: list[FieldError] = []
    for position, entry in enumerate(entries):
        if len(errors) >= _ERRORS:
            break
        place = path.at(position)
        operation, form = entry.get("operation", ""), entry.get("fieldsType", "")
        if operation not in ("Apply", "Update"):
            errors.append(invalid(place.child("operation"), operation, "must be `Apply` or `Update`"))
        if form not in ("", "FieldsV1"):
            errors.append(invalid(place.child("fieldsType"), form, "must be `FieldsV1`"))
        errors.extend(validate_manager(entry.get("manager", ""), place.child("manager")))
        if len(entry.get("subresource", "")) > _SUBRESOURCE_LIMIT:
            errors.append(too_long(place.child("subresource"), _SUBRESOURCE_LIMIT))
    return errors


def embedded_errors(metadata: Mapping[str, Any], path: Path) -> list[FieldError]:
    """All that is wrong with the metadata, already decoded, of an object that is part of another one.

    It needs no name, and where it has one, or a namespace, nothing is known of the type that would say more.
    """
    errors: list[FieldError] = []
    for field, prefix in (("generateName", True), ("name", False)):
        name = metadata.get(field)
        if name:
            errors.extend(invalid(path.child(field), name, text) for text in names.segment_name(name, prefix))
    namespace = metadata.get("namespace")
    if namespace:
        errors.extend(invalid(path.child("namespace"), namespace, text) for text in names.dns_label(namespace))
    generation = metadata.get("generation", 0)
    if generation < 0:
        errors.append(invalid(path.child("generation"), generation, "must be greater than or equal to 0"))
    errors.extend(validate_labels(metadata.get("labels") or {}, path.child("labels")))
    errors.extend(validate_annotations(metadata.get("annotations") or {}, path.child("annotations")))
    errors.extend(validate_owners(metadata.get("ownerReferences") or (), path.child("ownerReferences")))
    errors.extend(validate_finalizers(metadata.get("finalizers") or (), path.child("finalizers"), custom=True))
    errors.extend(_validate_owned(metadata.get("managedFields") or (), path.child("managedFields")))
    return errors
