"""The labels by which logical clusters are found: by phase, by initializer, by terminator.

A name of an initializer is too long for a label, so its hash stands for it: cut to fit in the key, whole in the value
(tenancy reference, section 2.3). Watchers of one initializer select by it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from manifold.types.resource import Object

PHASE_LABEL = "tenancy.kcp.io/phase"
INITIALIZER_PREFIX = "initializer.internal.kcp.io/"
TERMINATOR_PREFIX = "terminator.internal.kcp.io/"
HAS_TERMINATORS = "kcp.io/has-terminators"
"""The finalizer of a logical cluster that has terminators left."""
_KEY_LENGTH = 63


def _label(prefix: str, name: str) -> tuple[str, str]:
    digest = hashlib.sha224(name.encode()).hexdigest()
    return prefix + digest[: _KEY_LENGTH - len(prefix)], digest


def initializer_label(name: str) -> tuple[str, str]:
    """Key and value of the label of a logical cluster that an initializer has not left yet."""
    return _label(INITIALIZER_PREFIX, name)


def terminator_label(name: str) -> tuple[str, str]:
    """The same for a terminator."""
    return _label(TERMINATOR_PREFIX, name)


def lifecycle_labels(phase: str, initializers: Sequence[str], terminators: Sequence[str]) -> dict[str, str]:
    """All labels a logical cluster of a phase has, with what is left to be done in it."""
    return {
        PHASE_LABEL: phase,
        **dict(map(initializer_label, initializers)),
        **dict(map(terminator_label, terminators)),
    }


def put_labels(logical_cluster: Object) -> None:
    """Bring a LogicalCluster's labels and finalizer into agreement with its status."""
    metadata, status = logical_cluster["metadata"], logical_cluster.get("status") or {}
    terminators = status.get("terminators") or ()
    kept = {
        key: value
        for key, value in (metadata.get("labels") or {}).items()
        if not key.startswith((INITIALIZER_PREFIX, TERMINATOR_PREFIX))
    }
    wanted = lifecycle_labels(status.get("phase") or "", status.get("initializers") or (), terminators)
    metadata["labels"] = {**kept, **wanted}
    finalizers = [one for one in metadata.get("finalizers") or () if one != HAS_TERMINATORS]
    if terminators:
        finalizers.append(HAS_TERMINATORS)
    if finalizers:
        metadata["finalizers"] = finalizers
    else:
        metadata.pop("finalizers", None)
