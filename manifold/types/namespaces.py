"""Namespaces and service accounts.

A namespace lives in phases: it is Active until it is deleted, then Terminating until its content and its own finalizer
list (`spec.finalizers`, written through the `finalize` subresource) are empty. Its name is repeated in a label that
cannot be changed, so that selectors can name it. (API conventions, "Namespaces"; KEP-2161 for the label.)
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from manifold.base import names
from manifold.base.fields import FieldError, Path, invalid
from manifold.types.declaring import AGE, NAME, built_in
from manifold.types.metadata import NOT_QUALIFIED, STANDARD_FINALIZERS
from manifold.types.resource import Column, Object
from manifold.types.strategies import PlainStrategy, StatusSubresource, keep

NAME_LABEL = "kubernetes.io/metadata.name"
FINALIZER = "kubernetes"
ACTIVE = "Active"
TERMINATING = "Terminating"

_FINALIZERS = Path("spec.finalizers")


def _finalizer_errors(new: Object, each: bool) -> list[FieldError]:
    """What is wrong with `spec.finalizers`; `each` tells the position of the one at fault."""
    errors: list[FieldError] = []
    for position, finalizer in enumerate((new.get("spec") or {}).get("finalizers") or ()):
        path = _FINALIZERS.at(position) if each else _FINALIZERS
        errors.extend(invalid(path, finalizer, text) for text in names.label_key(finalizer))
        if "/" not in finalizer and finalizer not in STANDARD_FINALIZERS:
            errors.append(invalid(path, finalizer, NOT_QUALIFIED))
    return errors


class NamespaceStrategy(PlainStrategy):
    """The label, the finalizer and the phase of a namespace are the server's."""

    __slots__ = ()

    def default(self, new: Object) -> None:
        """Put the name into its label (or back into it), and the phase where there is none."""
        metadata = new["metadata"]
        name = metadata.get("name")
        if name:
            labels = metadata.get("labels")
            if labels is None:
                metadata["labels"] = {NAME_LABEL: name}
            else:
                labels[NAME_LABEL] = name
        status = new.setdefault("status", {})
        if not status.get("phase"):
            status["phase"] = ACTIVE

    def prepare_create(self, new: Object) -> None:
        """A new namespace is Active and held by the server's finalizer."""
        new["status"] = {"phase": ACTIVE}
        spec = new.setdefault("spec", {})
        finalizers = spec.setdefault("finalizers", [])
        if FINALIZER not in finalizers:
            finalizers.append(FINALIZER)

    def prepare_update(self, new: Object, old: Object) -> None:
        """Finalizers and status have subresources of their own."""
        keep(new, old, "status")
        finalizers = (old.get("spec") or {}).get("finalizers")
        spec = new.setdefault("spec", {})
        if finalizers:
            spec["finalizers"] = finalizers
        else:
            spec.pop("finalizers", None)

    def validate_create(self, new: Object) -> list[FieldError]:
        """What is wrong with the finalizers a creator gave."""
        return _finalizer_errors(new, each=False)


class NamespaceStatus(StatusSubresource):
    """The phase must say what the deletion timestamp says."""

    __slots__ = ()

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """Active while it lives, Terminating while it goes."""
        phase = new["status"].get("phase", "")
        if "deletionTimestamp" in new["metadata"]:
            if phase != TERMINATING:
                text = "may only be 'Terminating' if `deletionTimestamp` is not empty"
                return [invalid("status.Phase", phase, text)]
        elif phase != ACTIVE:
            return [invalid("status.Phase", phase, "may only be 'Active' if `deletionTimestamp` is empty")]
        return []


class NamespaceFinalize:
    """Writes `spec.finalizers`: how whoever holds a namespace lets it go."""

    __slots__ = ()

    def prepare_update(self, new: Object, old: Object) -> None:
        """Keep the status."""
        keep(new, old, "status")

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What is wrong with the new list."""
        return _finalizer_errors(new, each=True)


class ServiceAccountStrategy(PlainStrategy):
    """The secrets of an account are names and nothing else."""

    __slots__ = ()

    def _trim(self, new: Object) -> None:
        secrets = new.get("secrets")
        if secrets:
            new["secrets"] = [{"name": secret["name"]} if secret.get("name") else {} for secret in secrets]

    def prepare_create(self, new: Object) -> None:
        """Drop all of a reference but the name."""
        self._trim(new)

    def prepare_update(self, new: Object, old: Object) -> None:
        """Drop all of a reference but the name."""
        self._trim(new)


def _phase(obj: Object, now: datetime) -> str:
    phase: str = (obj.get("status") or {}).get("phase", "")
    return phase


def _namespace_labels(obj: Object) -> Mapping[str, str]:
    return {"metadata.name": obj["metadata"]["name"], "status.phase": (obj.get("status") or {}).get("phase", "")}


NAMESPACES = built_in(
    "",
    "v1",
    "namespaces",
    "Namespace",
    NamespaceStrategy(),
    namespaced=False,
    check_name=names.label_name,
    short_names=("ns",),
    verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
    columns=(NAME, Column("Status", _phase, description="Active, or Terminating while it is being deleted"), AGE),
    field_labels=_namespace_labels,
    selectable=("metadata.name", "status.phase"),
    subresources={"finalize": NamespaceFinalize(), "status": NamespaceStatus()},
)
SERVICE_ACCOUNTS = built_in(
    "",
    "v1",
    "serviceaccounts",
    "ServiceAccount",
    ServiceAccountStrategy(),
    namespaced=True,
    short_names=("sa",),
    columns=(NAME, AGE),
)
