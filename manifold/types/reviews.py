"""What reviews share: they are questions put as objects, answered in the response and never stored.

They have no table, no selectors and one verb. What a review asks is checked here; answering it is the business of
whoever knows the answer.
"""

from __future__ import annotations

from manifold.base.fields import FieldError, Path, invalid
from manifold.types.declaring import CREATE_ONLY, built_in
from manifold.types.resource import Object, ResourceType, Strategy

_METADATA = Path("metadata")
_SERVER_OWNED = ("managedFields", "uid", "creationTimestamp")


def review(
    group: str, resource: str, kind: str, strategy: Strategy, *, namespaced: bool = False, nameless: bool = False
) -> ResourceType:
    """The type of a review. `nameless`: a refusal names the group and no kind, as those of authorization do."""
    return built_in(
        group,
        "v1",
        resource,
        kind,
        strategy,
        namespaced=namespaced,
        verbs=CREATE_ONLY,
        storageless=True,
        refused_as=(group, "") if nameless else None,
    )


def metadata_errors(new: Object, namespaced: bool) -> list[FieldError]:
    """The error of a review that carries metadata; a local one may name its namespace."""
    given = {name: value for name, value in new.get("metadata", {}).items() if value and name not in _SERVER_OWNED}
    rest = {name for name in given if not (namespaced and name == "namespace")}
    if not rest:
        return []
    return [invalid(_METADATA, given, "must be empty except for namespace" if namespaced else "must be empty")]
