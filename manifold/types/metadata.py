"""What ObjectMeta must look like, on create and on update, whatever the type (API conventions, "Metadata").

The registry asks here once per write, before the type's own validation. Nearly every answer is "nothing wrong", so each
part is looked at only where it is present, and on update only where it differs from what is stored, which was checked
when it was written. Kubernetes looks at metadata twice on update and tells what it finds twice; so does this module,
because causes are compared one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from manifold.base import names
from manifold.base.fields import FieldError, Path, forbidden, immutable, invalid, quote, required, too_long
from manifold.base.selectors import validate_labels
from manifold.types.resource import Object

ANNOTATIONS_LIMIT = 256 * 1024
"""Total size of annotation keys and values, in bytes."""
_TOLD = 32
"""How many surplus controllers are told: each error shows all owners, so their number must not grow with them."""
_ERRORS = 1000
"""How many mistakes in owner references are looked for: a small body can hold tens of thousands."""
ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"
STANDARD_FINALIZERS = frozenset(("kubernetes", ORPHAN, FOREGROUND))
"""The finalizers that need no domain."""

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
_OWNER_FIELDS = ("apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion")
NOT_QUALIFIED = "name is neither a standard finalizer name nor is it fully qualified"


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
        errors.extend(validate_owners(owners))
    if finalizers := metadata.get("finalizers"):
        errors.extend(validate_finalizers(finalizers, custom))
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
        errors.extend(validate_finalizers(finalizers, custom))
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


def validate_finalizers(finalizers: Sequence[str], custom: bool = False) -> list[FieldError]:
    """What is wrong with `metadata.finalizers`. Those of custom resources need no domain."""
    errors: list[FieldError] = []
    for finalizer in finalizers:
        if not names.is_label_key(finalizer):
            errors.extend(invalid(_FINALIZERS, finalizer, text) for text in names.label_key(finalizer))
    if ORPHAN in finalizers and FOREGROUND in finalizers:
        text = f"finalizer {ORPHAN} and {FOREGROUND} cannot be both set"
        errors.append(invalid(_FINALIZERS, list(finalizers), text))
    if not custom:
        for position, finalizer in enumerate(finalizers):
            if "/" not in finalizer and finalizer not in STANDARD_FINALIZERS:
                errors.append(invalid(_FINALIZERS.at(position), finalizer, NOT_QUALIFIED))
    return errors


def _no_new_finalizers(new: Iterable[str], old: Iterable[str]) -> list[FieldError]:
    added = sorted(set(new) - set(old))
    if not added:
        return []
    listed = ", ".join(quote(name) for name in added)
    text = f"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{listed}}}"
    return [forbidden(_FINALIZERS, text)]


def _owner_shown(owner: Mapping[str, Any]) -> Object:
    """An owner reference as errors show it: fields in the order of declaration, those that must be there always."""
    shown: Object = {name: owner.get(name, "") for name in _OWNER_FIELDS[:4]}
    shown.update((name, owner[name]) for name in _OWNER_FIELDS[4:] if owner.get(name) is not None)
    return shown


def validate_owners(owners: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """What is wrong with `metadata.ownerReferences`: incomplete ones, Events as owners, two controllers."""
    errors: list[FieldError] = []
    controller = ""
    surplus = 0
    for owner in owners:
        if len(errors) >= _ERRORS:
            break
        api_version, kind, name = owner.get("apiVersion", ""), owner.get("kind", ""), owner.get("name", "")
        if not api_version or api_version == "/" or api_version.count("/") > 1 or api_version.endswith("/"):
            errors.append(invalid(_OWNERS.child("apiVersion"), api_version, "version must not be empty"))
        for part in ("kind", "name", "uid"):
            if not owner.get(part):
                errors.append(invalid(_OWNERS.child(part), "", "must not be empty"))
        if kind == "Event" and api_version == "v1":
            errors.append(invalid(_OWNERS, _owner_shown(owner), "/v1, Kind=Event is disallowed from being an owner"))
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
                errors.append(invalid(_OWNERS, [_owner_shown(each) for each in owners], text))
            else:
                controller = current
    return errors


_PARTS = (
    ("labels", lambda labels: validate_labels(labels, _LABELS)),
    ("annotations", lambda annotations: validate_annotations(annotations, _ANNOTATIONS)),
    ("ownerReferences", validate_owners),
)
