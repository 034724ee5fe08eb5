"""What comes with every namespace: the service account `default` and the config map `kube-root-ca.crt`, in the same
commit.

Clients wait for both after they created a namespace; here there is nothing to wait for. Neither stays away: a deletion
leaves a work row beside it, for the controller that writes it anew. (One commit cannot do both, because watchers are
to see the old one go and another one come.) What the config map says cannot be changed at all: a write that tries is
put right as it is admitted, so that there is never a moment or an object that says otherwise.

A namespace ends when its content is gone: deletion marks it and leaves a work row for the controller that empties it.
"""

from __future__ import annotations

from collections.abc import Sequence

from manifold.admission.plugin import Admission, Plugin
from manifold.base import keys
from manifold.exports.claim_labels import claim_labels
from manifold.registry.effects import Effects, Operation, Plan
from manifold.registry.objects import Author, Kinds
from manifold.registry.served import Served
from manifold.registry.writing import Clock
from manifold.schema import records
from manifold.storage.contract import Write
from manifold.types.resource import Object
from manifold.views.rows import Claimed, read_row, row_key

CONTROLLER = "namespaces"
RESTORER = "content"
SERVICE_ACCOUNT = "default"
ROOT_CA_CONFIG_MAP = "kube-root-ca.crt"
ROOT_CA_DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)
DESCRIPTION = "kubernetes.io/description"
TERMINATING = "Terminating"


def content(author: Author, namespace: str, root_ca: str, claims: Sequence[Claimed] = ()) -> list[Write]:
    """What a new namespace contains. `root_ca` is the server's CA bundle in PEM, `claims` are those of its logical
    cluster.
    """
    accounts, config_maps = author.kinds.get("", "serviceaccounts"), author.kinds.get("", "configmaps")
    return [
        author.write(
            accounts,
            SERVICE_ACCOUNT,
            {},
            namespace=namespace,
            labels=claim_labels(claims, accounts.type, "", {}) or None,
        ),
        author.write(
            config_maps,
            ROOT_CA_CONFIG_MAP,
            {"data": {"ca.crt": root_ca}},
            namespace=namespace,
            labels=claim_labels(claims, config_maps.type, "", {}) or None,
            annotations={DESCRIPTION: ROOT_CA_DESCRIPTION},
        ),
    ]


def namespace(author: Author, name: str, root_ca: str, annotations: dict[str, str] | None = None) -> list[Write]:
    """A new namespace with its content."""
    made = author.write(
        author.kinds.get("", "namespaces"),
        name,
        {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}},
        labels={"kubernetes.io/metadata.name": name},
        annotations=annotations,
    )
    return [made, *content(author, name, root_ca)]


def work_row(cluster: str, name: str) -> bytes:
    """The key of the work row of a namespace that is to be emptied."""
    return keys.work_key(CONTROLLER, cluster, name)


def restoring_row(cluster: str, namespace: str) -> bytes:
    """The key of the work row of a namespace that lacks some of its default content."""
    return keys.work_key(RESTORER, cluster, namespace)


class ContentEffects(Effects):
    """A work row when the object `name`, which every namespace has, disappears from one that stays."""

    def __init__(self, namespaces: Served, name: str) -> None:
        self._namespaces = namespaces
        self._name = name

    async def removing(self, operation: Operation, old: Object, plan: Plan) -> None:
        """Leave the work row."""
        if operation.name != self._name:
            return
        row = await plan.snapshot.get(self._namespaces.key(operation.cluster, "", operation.namespace))
        if row is not None and not records.flags(row.value) & records.DELETING:
            plan.point(restoring_row(operation.cluster, operation.namespace), b"{}")


class RootCAKeeper(Plugin):
    """Keeps what `kube-root-ca.crt` says, whoever writes it. One that its owner has made immutable stays as it is."""

    def __init__(self, root_ca: str) -> None:
        self._data = {"ca.crt": root_ca}

    async def admit(self, request: Admission) -> None:
        """Put the bundle, and the annotation that explains it, in their places."""
        if request.name != ROOT_CA_CONFIG_MAP or request.new is None or (request.old or {}).get("immutable"):
            return
        request.new["data"] = dict(self._data)
        annotations = request.new["metadata"].setdefault("annotations", {})
        if not annotations.get(DESCRIPTION):
            annotations[DESCRIPTION] = ROOT_CA_DESCRIPTION


class NamespaceEffects(Effects):
    """Content on creation, a work row on deletion."""

    grace_period = False

    def __init__(self, kinds: Kinds, clock: Clock, root_ca: str) -> None:
        self._kinds = kinds
        self._clock = clock
        self._root_ca = root_ca

    async def creating(self, operation: Operation, new: Object, plan: Plan) -> None:
        """Bring the default content."""
        author = Author(self._kinds, self._clock, operation.cluster, operation.now)
        row = await plan.snapshot.get(row_key(operation.cluster))
        claims = read_row(row.value).claims if row is not None else ()
        for write in content(author, new["metadata"]["name"], self._root_ca, claims):
            if await plan.snapshot.get(write.key) is None:  # else one of its name was ended by force
                plan.create(write.key, write.value or b"")

    async def deleting(self, operation: Operation, old: Object, plan: Plan) -> bool:
        """Mark the namespace and leave the work row; it stays while it has finalizers of its own."""
        if not old["spec"].get("finalizers"):
            return False
        if "deletionTimestamp" not in old["metadata"]:
            old["status"]["phase"] = TERMINATING
            plan.put(work_row(operation.cluster, old["metadata"]["name"]), b"{}")
        return True

    def finished(self, obj: Object) -> bool:
        """A namespace may go when nobody has a finalizer in its spec."""
        return not obj.get("spec", {}).get("finalizers")
