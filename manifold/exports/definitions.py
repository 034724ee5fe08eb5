"""What the creation, change and end of a CustomResourceDefinition do, in the same commit.

A new definition is Established in the answer, or says which of its names are in use; its resources are served from the
next request on. One that is deleted takes no new objects from then on, and is gone when a controller has deleted those
there are (Kubernetes docs, "Extend the Kubernetes API with CustomResourceDefinitions").

Rules in CEL are kept and not evaluated. So that nobody relies on them, a definition that has some says so in a
condition of its own and in a warning, or is refused where the operator wishes that.
"""

from __future__ import annotations

from manifold.base import clock, errors, keys
from manifold.base.fields import FieldError, Path, forbidden
from manifold.exports.definition_names import DefinitionNames
from manifold.exports.effects import BindingEffects
from manifold.exports.naming import TERMINATING, condition, drop_condition, put_condition
from manifold.exports.register import Register
from manifold.registry.effects import Effects, Operation, Plan
from manifold.storage.contract import Guard
from manifold.types.apiextensions.rules import UNENFORCED, versions_with_rules
from manifold.types.resource import Object
from manifold.views.rows import LEFT, Defined

CONTROLLER = "definitions"
FINALIZER = "customresourcecleanup.apiextensions.k8s.io"
ENFORCED = "RulesEnforced"
"""A condition of our own: False on a definition with rules that are not evaluated."""
PENDING = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"


def work_row(cluster: str, name: str) -> bytes:
    """The key of the work row of a definition whose objects are to be deleted."""
    return keys.work_key(CONTROLLER, cluster, name)


class DefinitionEffects(Effects):
    """Serves what is defined. `refuse_rules`: refuse definitions with rules, because they are not enforced."""

    in_turn = True
    grace_period = False
    counts_deletion = False

    def __init__(self, names: DefinitionNames, bindings: BindingEffects, refuse_rules: bool) -> None:
        self._names = names
        self._bindings = bindings
        self._refuse_rules = refuse_rules

    async def creating(self, operation: Operation, new: Object, plan: Plan) -> None:
        """Establish it, or say why not."""
        await self._settle(operation, new, None, plan)

    async def updating(self, operation: Operation, new: Object, old: Object, plan: Plan) -> None:
        """Serve it as it is now. What the server says in the status is the server's, whoever writes it."""
        metadata = new["metadata"]
        if "deletionTimestamp" in metadata and not metadata.get("finalizers"):
            return
        await self._settle(operation, new, old, plan)

    async def deleting(self, operation: Operation, old: Object, plan: Plan) -> bool:
        """Take no new objects, and leave work."""
        metadata = old["metadata"]
        if "deletionTimestamp" in metadata:
            return False
        finalizers = metadata.get("finalizers") or []
        metadata["finalizers"] = [*(one for one in finalizers if one != FINALIZER), FINALIZER]
        now = clock.format_seconds(operation.now)
        put_condition(old["status"], condition(TERMINATING, True, "InstanceDeletionPending", PENDING, now))
        register = await Register.read(plan.snapshot, operation.cluster)
        self._names.settle(operation, old, register, ending=True)
        register.write(plan)
        plan.put(work_row(operation.cluster, operation.name), b"{}")
        return False

    async def removing(self, operation: Operation, old: Object, plan: Plan) -> None:
        """Serve it no longer, and settle what waited for its names."""
        register = await Register.read(plan.snapshot, operation.cluster)
        before = register.definitions.pop(operation.name, None)
        if before is not None and await self._left(operation, before, plan):
            register.definitions[operation.name] = Defined(operation.name, "", LEFT)
        work = await plan.snapshot.get(work_row(operation.cluster, operation.name))
        if work is not None:
            plan.guards.append(Guard(work.key, None))
            plan.delete(work.key)
        await self._names.reconsider(operation, register, plan, {old["spec"]["group"]})
        await self._bindings.freed(operation, register, plan)

    async def _left(self, operation: Operation, defined: Defined, plan: Plan) -> bool:
        """Whether objects stay behind, because somebody took the finalizer off before its time."""
        prefix = defined.prefix(operation.cluster)
        return bool(await plan.snapshot.scan(prefix, keys.after(prefix), 1))

    async def _settle(self, operation: Operation, new: Object, old: Object | None, plan: Plan) -> None:
        self._judge_rules(operation, new, old)
        status = new.setdefault("status", {})
        if old is not None:
            told = old.get("status") or {}
            status["acceptedNames"] = told.get("acceptedNames") or {}
            for one in told.get("conditions") or ():
                if one["type"] == TERMINATING and "deletionTimestamp" in new["metadata"]:
                    put_condition(status, one)
        register = await Register.read(plan.snapshot, operation.cluster)
        self._names.settle(operation, new, register)
        self._tell_rules(operation, new)
        register.write(plan)

    def _judge_rules(self, operation: Operation, new: Object, old: Object | None) -> None:
        """Refuse new rules where that is wished."""
        if not self._refuse_rules or operation.subresource:
            return
        if old is not None and new["spec"].get("versions") == old["spec"].get("versions"):
            return
        found = versions_with_rules(new)
        if found:
            kind = operation.served.type
            problems = [_refusal(position) for position in found]
            raise errors.invalid(kind.group, kind.kind, new["metadata"]["name"], problems)

    def _tell_rules(self, operation: Operation, new: Object) -> None:
        if versions_with_rules(new):
            now = clock.format_seconds(operation.now)
            put_condition(new["status"], condition(ENFORCED, False, "RulesNotEnforced", UNENFORCED, now))
        else:
            drop_condition(new["status"], ENFORCED)


def _refusal(position: int) -> FieldError:
    place = Path("spec").child("versions").at(position).child("schema", "openAPIV3Schema")
    return forbidden(place, "this server does not enforce x-kubernetes-validations, and is told to refuse them")
