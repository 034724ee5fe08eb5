"""apis.kcp.io: schemas, exports, bindings, endpoint slices and conversions.

Sections 1 to 3 and 12 of the APIs reference. Whether an export exists, and who may bind it, is decided elsewhere.
"""

from __future__ import annotations

from typing import Any

from manifold.base.fields import FieldError, invalid, required
from manifold.schema.structural.validation import same_json
from manifold.types.apiextensions.instances import CustomStatus, CustomStrategy, broken_rule
from manifold.types.kcp.catalog import kcp_type
from manifold.types.kcp.claims import BUILT_IN_CLAIMS, older_claim_errors, selector_errors
from manifold.types.kcp.conversion import (
    ACCEPTABLE_CLAIMS,
    PERMISSION_CLAIMS,
    RESOURCE_SCHEMAS,
    STATUS_ANNOTATIONS,
    BindingConversion,
    ExportConversion,
    claim_key,
    decoded,
    read_claims,
    split_schema_name,
)
from manifold.types.kcp.rules import at, both, each, refuse, refuse_fields, shard_selection, unchanging
from manifold.types.kcp.schemas import ResourceSchemaStrategy, resource_schema_rules
from manifold.types.resource import Object

GROUP = "apis.kcp.io"
REFERENCE = "APIExport reference must not be changed"


def _older_export_rules(new: Object, old: Object | None) -> list[FieldError]:
    return each(new, old, ("spec", "permissionClaims"), older_claim_errors, keyed=True)


def _older_binding_rules(new: Object, old: Object | None) -> list[FieldError]:
    places = (("spec", "permissionClaims"), ("status", "appliedPermissionClaims"), ("status", "exportPermissionClaims"))
    return [error for place in places for error in each(new, old, place, older_claim_errors)]


def _storage(resource: Any, field: str) -> list[FieldError]:
    storage = at(resource, "storage")
    if type(storage) is dict and ("crd" in storage) == ("virtual" in storage):
        return [broken_rule(f"{field}.storage", storage, "Exactly one of crd or virtual must be set")]
    return []


def _export_rules(new: Object, old: Object | None) -> list[FieldError]:
    return each(new, old, ("spec", "resources"), _storage, keyed=True)


def _binding_rules(new: Object, old: Object | None) -> list[FieldError]:
    """Selectors stay as they are, where the claim names a group and an identity.

    kcp compares only such claims, and its users change the selectors of others.
    """
    former = {claim_key(claim): claim for claim in at(old, "spec", "permissionClaims") or ()}
    errors: list[FieldError] = []
    for position, claim in enumerate(at(new, "spec", "permissionClaims") or ()):
        group, resource, identity = claim_key(claim)
        before = former.get((group, resource, identity))
        if group and identity and before and not same_json(claim.get("selector"), before.get("selector")):
            place = f"spec.permissionClaims[{position}].selector"
            errors.append(broken_rule(place, claim.get("selector") or {}, "Permission claim selector is immutable"))
    return errors


class ExportStrategy(CustomStrategy):
    """Exports: claims on foreign types name an identity, and resources a schema that is theirs."""

    __slots__ = ()

    def validate_create(self, new: Object) -> list[FieldError]:
        """What the schema says; then the 403s."""
        return self._admitted(super().validate_create(new), new)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """As for a new one."""
        return self._admitted(super().validate_update(new, old), new)

    def _admitted(self, errors: list[FieldError], new: Object) -> list[FieldError]:
        if not errors:
            for position, claim in enumerate(at(new, "spec", "permissionClaims") or ()):
                group, resource, identity = claim_key(claim)
                if not identity and group != GROUP and (group, resource) not in BUILT_IN_CLAIMS:
                    place = f"spec.permissionClaims[{position}].identityHash"
                    text = "identityHash is required for API types that are not built-in"
                    raise refuse(GROUP, "apiexports", new, str(invalid(place, "", text)))
            self._check_resources(new)
        return errors

    def _check_resources(self, new: Object) -> None:
        for position, resource in enumerate(at(new, "spec", "resources") or ()):
            ending = f".{resource['name']}.{resource['group'] or 'core'}"
            if not resource["schema"].endswith(ending):
                place = f"spec.resources[{position}].schema"
                text = str(invalid(place, resource["schema"], f"must end in {ending}"))
                raise refuse(GROUP, "apiexports", new, text)


class OlderExportStrategy(ExportStrategy):
    """Exports in v1alpha1, where annotations hold what v1alpha2 says more."""

    __slots__ = ()

    def validate_create(self, new: Object) -> list[FieldError]:
        """What the schema says, and whether schemas can be named so; then the 403s."""
        return self._names(new, super().validate_create(new))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """As for a new one."""
        return self._names(new, super().validate_update(new, old))

    def _names(self, new: Object, errors: list[FieldError]) -> list[FieldError]:
        given = at(new, "spec", "latestResourceSchemas")
        for position, name in enumerate(given if type(given) is list else ()):  # the schema says what else is wrong
            if type(name) is str and split_schema_name(name) is None:
                place = f"spec.latestResourceSchemas[{position}]"
                errors.append(invalid(place, name, "must be of the form <prefix>.<resource>.<group>"))
        return errors

    def _check_resources(self, new: Object) -> None:
        _check_annotations("apiexports", new, RESOURCE_SCHEMAS, PERMISSION_CLAIMS)
        annotations = new["metadata"].get("annotations") or {}
        schemas = set(at(new, "spec", "latestResourceSchemas") or ())
        for entry in read_claims(new, RESOURCE_SCHEMAS):
            if entry.get("schema") in schemas:
                place = f"metadata.annotations[{RESOURCE_SCHEMAS}]"
                text = str(invalid(place, entry.get("schema"), "duplicate schema"))
                raise refuse(GROUP, "apiexports", new, text)
        claimed = {claim_key(claim) for claim in at(new, "spec", "permissionClaims") or ()}
        if not {claim_key(claim) for claim in read_claims(new, PERMISSION_CLAIMS)} <= claimed:
            place = f"metadata.annotations[{PERMISSION_CLAIMS}]"
            text = "permission claims defined in annotation do not match permission claims defined in spec"
            raise refuse(GROUP, "apiexports", new, str(invalid(place, annotations[PERMISSION_CLAIMS], text)))


def _check_annotations(resource: str, new: Object, *names: str) -> None:
    """Raise the 403 of annotations from which v1alpha2 would be made, and that cannot be read."""
    annotations = new["metadata"].get("annotations") or {}
    for name in names:
        if name in annotations and decoded(name, annotations[name]) is None:
            place = f"metadata.annotations[{name}]"
            text = str(invalid(place, annotations[name], "failed to decode annotation"))
            raise refuse(GROUP, resource, new, text)


class BindingStrategy(CustomStrategy):
    """Bindings: a reference to an export, and claims that say what they select."""

    __slots__ = ()

    def prepare_create(self, new: Object) -> None:
        """Drop the status, and complete claims."""
        super().prepare_create(new)
        self._complete(new)

    def prepare_update(self, new: Object, old: Object) -> None:
        """Keep the status, and complete claims."""
        super().prepare_update(new, old)
        self._complete(new)

    def _complete(self, new: Object) -> None:
        # A claim without a selector is told by admission, not by the schema, as kcp tells it.
        for claim in at(new, "spec", "permissionClaims") or ():
            if type(claim) is dict:
                claim.setdefault("selector", {})

    def validate_create(self, new: Object) -> list[FieldError]:
        """What the schema says; then the 403s."""
        return self.admitted(super().validate_create(new), new)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """As for a new one."""
        return self.admitted(super().validate_update(new, old), new)

    def admitted(self, errors: list[FieldError], new: Object) -> list[FieldError]:
        """`errors`, or the 403 of a binding that refers to nothing or selects nothing."""
        if not errors:
            found = self.reference_errors(new)
            for position, claim in enumerate(at(new, "spec", "permissionClaims") or ()):
                found.extend(self.claim_errors(claim, f"spec.permissionClaims[{position}].selector"))
            if found:
                raise refuse_fields(GROUP, "apibindings", new, found)
        return errors

    def reference_errors(self, new: Object) -> list[FieldError]:
        """What is wrong with the reference to an export."""
        export = at(new, "spec", "reference", "export")
        if export is None:
            return [required("spec.reference.export")]
        return [] if export.get("name") else [required("spec.reference.export.name")]

    def claim_errors(self, claim: Object, field: str) -> list[FieldError]:
        """What is wrong with the selector of a claim, which is at `field`."""
        return selector_errors(claim, field)


class OlderBindingStrategy(BindingStrategy):
    """Bindings in v1alpha1, where a claim has no selector of its own, and status has annotations."""

    __slots__ = ()

    def prepare_update(self, new: Object, old: Object) -> None:
        """Keep the status, together with the annotations that hold what v1alpha1 cannot say of it."""
        super().prepare_update(new, old)
        former = old["metadata"].get("annotations") or {}
        annotations = new["metadata"].setdefault("annotations", {})
        for name in STATUS_ANNOTATIONS:
            if name in former:
                annotations[name] = former[name]
            else:
                annotations.pop(name, None)
        if not annotations:
            del new["metadata"]["annotations"]

    def _complete(self, new: Object) -> None:
        pass

    def admitted(self, errors: list[FieldError], new: Object) -> list[FieldError]:
        """As in v1alpha2; and the 403 of an annotation that says more of the claims, and cannot be read."""
        if not errors:
            _check_annotations("apibindings", new, ACCEPTABLE_CLAIMS)
        return super().admitted(errors, new)

    def claim_errors(self, claim: Object, field: str) -> list[FieldError]:
        """Nothing: rules have said it."""
        return []


class BindingStatus(CustomStatus):
    """The status of a binding, whose phase does not go back to nothing."""

    __slots__ = ()

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What the schema says; then the 403 of a phase that was lost."""
        errors = super().validate_update(new, old)
        phase, former = at(new, "status", "phase") or "", at(old, "status", "phase") or ""
        if not errors and former and not phase:
            text = f'cannot transition from "{former}" to "{phase}"'
            raise refuse_fields(GROUP, "apibindings", new, [invalid("status.phase", phase, text)])
        return errors


class EndpointSliceStrategy(CustomStrategy):
    """Endpoint slices: a reference to an export."""

    __slots__ = ()

    def validate_create(self, new: Object) -> list[FieldError]:
        """What the schema says; then the 403 of a reference without a name."""
        errors = super().validate_create(new)
        if not errors and at(new, "spec") is not None and not at(new, "spec", "export", "name"):
            raise refuse_fields(GROUP, "apiexportendpointslices", new, [required("spec.export.name")])
        return errors


_reference = unchanging(("spec", "reference"), REFERENCE)
API_EXPORTS = kcp_type(GROUP, "apiexports", "v1alpha2", strategy=ExportStrategy, rules=_export_rules)
API_BINDINGS = kcp_type(
    GROUP,
    "apibindings",
    "v1alpha2",
    strategy=BindingStrategy,
    status=BindingStatus,
    rules=both(_binding_rules, _reference),
)
API_EXPORTS_V1ALPHA1 = kcp_type(
    GROUP,
    "apiexports",
    "v1alpha1",
    strategy=OlderExportStrategy,
    rules=_older_export_rules,
    convert=ExportConversion(),
)
API_BINDINGS_V1ALPHA1 = kcp_type(
    GROUP,
    "apibindings",
    "v1alpha1",
    strategy=OlderBindingStrategy,
    status=BindingStatus,
    rules=both(_older_binding_rules, _reference),
    convert=BindingConversion(),
)
API_EXPORT_ENDPOINT_SLICES = kcp_type(
    GROUP,
    "apiexportendpointslices",
    "v1alpha1",
    strategy=EndpointSliceStrategy,
    rules=both(unchanging(("spec", "export"), REFERENCE), shard_selection(("status", "endpoints"))),
)
API_CONVERSIONS = kcp_type(GROUP, "apiconversions", "v1alpha1")
API_RESOURCE_SCHEMAS = kcp_type(
    GROUP, "apiresourceschemas", "v1alpha1", strategy=ResourceSchemaStrategy, rules=resource_schema_rules
)
TYPES = (
    API_EXPORTS,
    API_BINDINGS,
    API_EXPORTS_V1ALPHA1,
    API_BINDINGS_V1ALPHA1,
    API_EXPORT_ENDPOINT_SLICES,
    API_CONVERSIONS,
    API_RESOURCE_SCHEMAS,
)
