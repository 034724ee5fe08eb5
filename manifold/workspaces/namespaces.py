"""What comes with every namespace: the service account `default` and the config map `kube-root-ca.crt`, in the same
commit.

Clients wait for both after they created a namespace; here there is nothing to wait for. A namespace ends when its
content is gone: deletion marks it and leaves a work row for the controller that empties it.
"""

from __future__ import annotations

from manifold.base import keys
from manifold.registry.effects import Effects, Operation, Plan
from manifold.registry.objects import Author, Kinds
from manifold.registry.writing import Clock
from manifold.storage.contract import Write
from manifold.types.resource import Object

CONTROLLER = "namespaces"
ROOT_CA_CONFIG_MAP = "kube-root-ca.crt"
ROOT_CA_DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)
TERMINATING = "Terminating"


def content(author: Author, namespace: str, root_ca: str) -> list[Write]:
    """What a new namespace contains. `root_ca` is the server's CA bundle in PEM."""
    kinds = author.kinds
    return [
        author.write(kinds.get("", "serviceaccounts"), "default", {}, namespace=namespace),
        author.write(
            kinds.get("", "configmaps"),
            ROOT_CA_CONFIG_MAP,
            {"data": {"ca.crt": root_ca}},
            namespace=namespace,
            annotations={"kubernetes.io/description": ROOT_CA_DESCRIPTION},
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
        for write in content(author, new["metadata"]["name"], self._root_ca):
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
