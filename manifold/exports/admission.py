"""Who may bind what: the rules of bindings and endpoint slices that rest on who asks and on other objects.

Binding needs the verb `bind` on the export, in the export's logical cluster, and nothing else there. The server's
labels and finalizer are on every binding whatever a client sends (APIs reference, sections 2bis and 3.4, whose texts
are compared by clients).
"""

from __future__ import annotations

from manifold.admission.plugin import Admission, Plugin
from manifold.base import errors
from manifold.exports import bindings
from manifold.exports.bindings import FINALIZER
from manifold.exports.references import References
from manifold.exports.statuses import Referred
from manifold.storage.contract import Guard
from manifold.types.resource import Object
from manifold.views.resolution import Resolver
from manifold.views.rows import gate_key, read_row, row_key

_ACTIONS = {"CREATE": "create", "UPDATE": "update"}
TERMINATING = "create not allowed while custom resource definition is terminating"


def _reference(obj: Object | None) -> tuple[str, str] | None:
    """Path and name of the export a binding or slice refers to; None where it has no such reference (yet)."""
    spec = (obj or {}).get("spec")
    spec = spec if isinstance(spec, dict) else {}
    holder = spec.get("reference", spec)
    export = holder.get("export") if isinstance(holder, dict) else None
    if not isinstance(export, dict) or not isinstance(export.get("name"), str) or not export["name"]:
        return None
    path = export.get("path") or ""
    return (path, export["name"]) if isinstance(path, str) else None


async def _permitted(references: References, request: Admission, reference: tuple[str, str], what: str) -> Referred:
    path, name = reference
    found = await references.bindable(request.snapshot, request.user, request.cluster, path, name)
    if found is None:
        text = f"unable to {what}: no permission to bind to export {path or request.cluster}:{name}"
        raise errors.forbidden(request.type.group, request.type.resource, request.name, text)
    return found


class BindingAdmission(Plugin):
    """The rules of bindings."""

    def __init__(self, references: References) -> None:
        self._references = references

    async def admit(self, request: Admission) -> None:
        """Ask for `bind`, and put labels and finalizer where they belong."""
        new = request.new
        if new is None or request.subresource:
            return
        metadata = new["metadata"]
        self._finalizer(request, metadata)
        reference = _reference(new)
        if reference is None:  # the validation of the object says so
            return
        if request.old is not None and not self._changed(new, request.old, reference):
            referred = await self._references.find(request.snapshot, request.cluster, *reference)
        else:
            what = f"{_ACTIONS[request.action]} APIBinding"
            referred = await _permitted(self._references, request, reference, what)
        request.guards += referred.guards
        claims = [one for one in new["spec"].get("permissionClaims") or () if isinstance(one, dict)]
        # Those of other exports' claims are right already.
        metadata["labels"] = {
            **(metadata.get("labels") or {}),
            **bindings.labels(referred.cluster, referred.name, claims),
        }

    def _changed(self, new: Object, old: Object, reference: tuple[str, str]) -> bool:
        if _reference(old) != reference:
            return True
        label = bindings.EXPORT_LABEL
        return bool(
            (new["metadata"].get("labels") or {}).get(label) != (old["metadata"].get("labels") or {}).get(label)
        )

    def _finalizer(self, request: Admission, metadata: Object) -> None:
        finalizers = metadata.get("finalizers") or []
        if FINALIZER in finalizers:
            return
        old = request.old
        if old is None or "deletionTimestamp" not in old["metadata"]:
            metadata["finalizers"] = [*finalizers, FINALIZER]
        elif FINALIZER in (old["metadata"].get("finalizers") or ()) and not request.user.privileged:
            text = f"removing the finalizer {FINALIZER} is forbidden"
            raise errors.forbidden(request.type.group, request.type.resource, request.name, text)


class OwnExportAdmission(Plugin):
    """What the server's own exports offer and claim is the server's: nobody would see a change of it, because what
    every workspace has bound is not read from the object.
    """

    def __init__(self, references: References) -> None:
        self._references = references

    async def validate(self, request: Admission) -> None:
        """Refuse a change of anything in the spec but the identity's secret."""
        new = request.new
        if new is None or request.subresource or not self._references.is_own(request.cluster, request.name):
            return
        wanted, former = (_but_identity(one) for one in (new, request.old))
        if request.old is None:
            former = {**wanted, "permissionClaims": None}
        for name in sorted({*wanted, *former}):
            if (wanted.get(name) or None) != (former.get(name) or None):
                text = f"spec.{name} of an export that the server brings cannot be changed"
                raise errors.forbidden(request.type.group, request.type.resource, request.name, text)


def _but_identity(export: Object | None) -> Object:
    spec = (export or {}).get("spec") or {}
    return {name: value for name, value in spec.items() if name != "identity"}


class EndpointSliceAdmission(Plugin):
    """Who publishes the endpoints of an export must be able to bind it."""

    def __init__(self, references: References) -> None:
        self._references = references

    async def validate(self, request: Admission) -> None:
        """Ask for `bind`."""
        reference = _reference(request.new)
        if request.action == "CREATE" and reference is not None:
            await _permitted(self._references, request, reference, "create APIExportEndpointSlice")


class BoundTypes(Plugin):
    """New objects of a bound or defined type exist only while it is served.

    A request finds its type before it writes. What it was found by is a guard of the commit, so that a binding or
    definition that goes away in between leaves no object behind.
    """

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def validate(self, request: Admission) -> None:
        """Refuse a new object of a type that is not served any more, or about to go."""
        if request.action != "CREATE" or request.cluster.startswith("system:"):
            return
        if request.identity:
            await self._bound(request)
        elif request.type.evolution is not None:
            await self._defined(request)

    async def _bound(self, request: Admission) -> None:
        row = await request.snapshot.get(row_key(request.cluster))
        for export in read_row(row.value).exports if row is not None else ():
            if export.identity == request.identity:
                if export.ending:
                    raise self._ending(request)
                if row is not None:
                    request.guards.append(Guard(row.key, row.revision))
                return
        raise errors.unknown_resource()

    async def _defined(self, request: Admission) -> None:
        resolution = await self._resolver.resolve(request.cluster)
        defined = resolution.definitions.get(f"{request.type.resource}.{request.type.group}")
        if defined is None:
            raise errors.unknown_resource()
        if defined.ending:
            raise self._ending(request)
        request.guards.append(Guard(gate_key(request.cluster, defined.name), None))

    def _ending(self, request: Admission) -> errors.StatusError:
        return errors.forbidden(request.type.group, request.type.resource, request.name, TERMINATING)
