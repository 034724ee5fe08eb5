"""CustomResourceDefinitions: the type itself (Kubernetes API reference, CustomResourceDefinition v1).

What follows from one (that it is served, its conditions, its storage) happens elsewhere. Rules in CEL are looked at
only from outside: that there is one, its message, reason and field path.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from manifold.base.errors import forbidden as refused
from manifold.base.fields import FieldError, Path, immutable, invalid, quote, required
from manifold.schema.structural.validation import same_json
from manifold.types.apiextensions.rules import UNENFORCED, versions_with_rules
from manifold.types.apiextensions.spec import name_errors, spec_errors, unrecognized_formats
from manifold.types.declaring import CREATED, NAME, built_in
from manifold.types.resource import Object
from manifold.types.strategies import PlainStrategy, StatusSubresource, keep

GROUP = "apiextensions.k8s.io"
RESOURCE = "customresourcedefinitions"
APPROVED = "api-approved.kubernetes.io"
"""The annotation that lets a CRD have a group of the Kubernetes community (KEP-2337)."""
_SPEC, _STATUS = Path("spec"), Path("status")
_STORED = _STATUS.child("storedVersions")
_APPROVAL = Path("metadata").child("annotations").key(APPROVED)
_SEE = "see https://github.com/kubernetes/enhancements/pull/1111"


def approval_errors(group: str, annotations: Object, path: Path = _APPROVAL) -> list[FieldError]:
    """What is wrong with the approval of a protected group."""
    if not any(group == root or group.endswith(f".{root}") for root in ("k8s.io", "kubernetes.io")):
        return []
    text = annotations.get(APPROVED)
    if not text:
        return [required(path, f'protected groups must have approval annotation "{APPROVED}", {_SEE}')]
    if text.startswith("unapproved") or _is_url(text):
        return []
    why = f'protected groups must have approval annotation "{APPROVED}" with either a URL or a reason starting with '
    return [invalid(path, text, f'{why}"unapproved", {_SEE}')]


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and parts.netloc)


def is_established(definition: Object) -> bool:
    """Whether a CRD has been served, so that its scope and kind are fixed."""
    conditions = (definition.get("status") or {}).get("conditions") or ()
    return any(entry["type"] == "Established" and entry["status"] == "True" for entry in conditions)


class DefinitionStrategy(PlainStrategy):
    """Names that follow from the kind, stored versions that are remembered, and everything that may be wrong."""

    __slots__ = ()

    def default(self, new: Object) -> None:
        """Fill in names, the conversion strategy and the port of a webhook's service."""
        spec = new.get("spec") or {}
        names = spec.get("names")
        if names is not None:
            kind = names.get("kind") or ""
            if not names.get("singular") and kind:
                names["singular"] = kind.lower()
            if not names.get("listKind") and kind:
                names["listKind"] = f"{kind}List"
        if spec.get("conversion") is None:
            spec["conversion"] = {"strategy": "None"}
        service = ((spec["conversion"].get("webhook") or {}).get("clientConfig") or {}).get("service")
        if service is not None:
            service.setdefault("port", 443)

    def prepare_create(self, new: Object) -> None:
        """Start with an empty status, but for the version that is stored."""
        new["status"] = {"conditions": None, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": None}
        self._remember_stored(new)
        self._check_reserved(new)

    def prepare_update(self, new: Object, old: Object) -> None:
        """Keep the status; a new storage version is remembered."""
        keep(new, old, "status")
        if "status" in new:
            new["status"] = {**new["status"]}
            self._remember_stored(new)
        self._check_reserved(new)

    def warnings(self, new: Object, old: Object | None = None) -> list[str]:
        """That rules are not enforced, and which formats are new and say nothing."""
        known = unrecognized_formats(old["spec"]) if old is not None else frozenset()
        formats = sorted(unrecognized_formats(new["spec"]) - known)
        told = [f"unrecognized format {quote(form)}" for form in formats]
        return told + ([UNENFORCED] if versions_with_rules(new) else [])

    def _remember_stored(self, new: Object) -> None:
        stored = new["status"].get("storedVersions") or []
        current = next((each.get("name") for each in new["spec"].get("versions") or () if each.get("storage")), None)
        if current is not None and current not in stored:
            new["status"]["storedVersions"] = [*stored, current]

    def _check_reserved(self, new: Object) -> None:
        """Raise the 403 of what kcp keeps for itself (APIs reference, 8)."""
        name = str(new["metadata"].get("name") or "")
        group = (new.get("spec") or {}).get("group") or ""
        if group == "apis.kcp.io" or group.endswith(".apis.kcp.io"):
            raise refused(GROUP, RESOURCE, name, f"{group} is a reserved group")
        for key in new["metadata"].get("annotations") or ():
            domain = key.partition("/")[0]
            if "/" in key and (domain == "apis.kcp.io" or domain.endswith(".apis.kcp.io")):
                raise refused(GROUP, RESOURCE, name, f"{key} is a reserved annotation")

    def validate_create(self, new: Object) -> list[FieldError]:
        """All that is wrong with a new CRD."""
        spec = new["spec"]
        metadata = new["metadata"]
        errors: list[FieldError] = []
        plural, group = (spec.get("names") or {}).get("plural") or "", spec.get("group") or ""
        if metadata.get("name") and metadata["name"] != f"{plural}.{group}":
            text = 'must be spec.names.plural+"."+spec.group'
            errors.append(invalid("metadata.name", metadata["name"], text))
        errors.extend(spec_errors(spec, _SPEC))
        errors.extend(status_errors(new))
        errors.extend(approval_errors(group, metadata.get("annotations") or {}))
        if spec.get("preserveUnknownFields"):
            errors.append(_preserving())
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """All that is wrong with a changed one; versions that did not change are not looked into again."""
        spec, former = new["spec"], old["spec"]
        errors = spec_errors(spec, _SPEC, unchanged=same_json(spec.get("versions"), former.get("versions")))
        names, former_names = spec.get("names") or {}, former.get("names") or {}
        if is_established(old):
            errors.extend(immutable(_SPEC.child("scope"), spec.get("scope"), former.get("scope")))
            place = _SPEC.child("names", "kind")
            errors.extend(immutable(place, names.get("kind"), former_names.get("kind")))
        errors.extend(immutable(_SPEC.child("group"), spec.get("group"), former.get("group")))
        plural = _SPEC.child("names", "plural")
        errors.extend(immutable(plural, names.get("plural"), former_names.get("plural")))
        errors.extend(status_errors(new))
        given, before = new["metadata"].get("annotations") or {}, old["metadata"].get("annotations") or {}
        if given.get(APPROVED) != before.get(APPROVED):
            errors.extend(approval_errors(spec.get("group") or "", given))
        if spec.get("preserveUnknownFields") and not former.get("preserveUnknownFields"):
            errors.append(_preserving())
        return errors


def _preserving() -> FieldError:
    text = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
    return invalid(_SPEC.child("preserveUnknownFields"), True, text)


def status_errors(definition: Object) -> list[FieldError]:
    """What is wrong with accepted names, and with what the status says is stored."""
    status = definition.get("status") or {}
    errors = name_errors(status.get("acceptedNames") or {}, _STATUS.child("acceptedNames"))
    stored = status.get("storedVersions")
    if not stored:
        return [*errors, invalid(_STORED, stored, "must have at least one stored version")]
    names = set()
    for version in definition["spec"].get("versions") or ():
        name = version.get("name") or ""
        if version.get("storage") and (name not in stored or name in names):
            errors.append(invalid(_STORED, stored, f"must have the storage version {name}"))
        names.add(name)
    for position, name in enumerate(stored):
        if name not in names:
            text = (
                f"missing from spec.versions; {name} was previously a storage version, and must remain in "
                f"spec.versions until a storage migration ensures no data remains persisted in {name} and removes "
                f"{name} from status.storedVersions"
            )
            errors.append(invalid(_STORED.at(position), name, text))
    return errors


class DefinitionStatus(StatusSubresource):
    """The status of a CRD; metadata does not change with it."""

    __slots__ = ()

    def prepare_update(self, new: Object, old: Object) -> None:
        """Keep everything but the status; of metadata only what the server keeps itself changes."""
        super().prepare_update(new, old)
        metadata, former = new["metadata"], old["metadata"]
        kept = [name for name in {**former, **metadata} if name not in ("managedFields", "resourceVersion")]
        keep(metadata, former, *kept)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """All that is wrong with the new status."""
        return status_errors(new)


CUSTOM_RESOURCE_DEFINITIONS = built_in(
    GROUP,
    "v1",
    RESOURCE,
    "CustomResourceDefinition",
    DefinitionStrategy(),
    namespaced=False,
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    columns=(NAME, CREATED),
    subresources={"status": DefinitionStatus()},
    generation=True,
    unconditional_update=False,
)
TYPES = (CUSTOM_RESOURCE_DEFINITIONS,)
