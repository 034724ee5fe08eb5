"""Field ownership: who set which field, and server-side apply.

What it promises: pure functions over plain JSON objects and a type's schema, without clock or store, that keep
`metadata.managedFields` and apply configurations as Kubernetes does. What it must not know: verbs, types, storage.
"""

from manifold.schema.ownership.application import apply
from manifold.schema.ownership.managers import Manager
from manifold.schema.ownership.update import keep_times, track_create, track_update
from manifold.schema.ownership.versions import Versions, View

__all__ = ["Manager", "Versions", "View", "apply", "keep_times", "track_create", "track_update"]
