"""All built-in Kubernetes types, and finding one of them. kcp's own types are in `manifold.types.kcp`.

The table is made on first use and kept: making it reads the schemas of all types. Its order is the order of discovery's
groups; discovery itself sorts by name within a version.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from manifold.types.resource import ResourceType


@cache
def built_in_types() -> tuple[ResourceType, ...]:
    """Every built-in type in every version it is served in."""
    from manifold.types import authentication, authorization, certificates, coordination, core, events, rbac
    from manifold.types.admissionregistration import TYPES as admission_types
    from manifold.types.apiextensions import definitions

    return (
        *core.TYPES,
        *authentication.TYPES,
        *authorization.TYPES,
        *certificates.TYPES,
        *coordination.TYPES,
        *rbac.TYPES,
        *admission_types,
        *events.TYPES,
        *definitions.TYPES,
    )


@cache
def _described() -> tuple[ResourceType, ...]:
    """The built-in types, and kinds that are bodies of a route and no resource of their own."""
    from manifold.types.authentication import TOKEN_REQUEST

    return (*built_in_types(), TOKEN_REQUEST)


@cache
def types_by_resource() -> Mapping[tuple[str, str, str], ResourceType]:
    """The described types by (group, version, resource); TokenRequest is among them as `tokenrequests`."""
    return MappingProxyType({(each.group, each.version, each.resource): each for each in _described()})


def find_type(group: str, version: str, resource: str) -> ResourceType | None:
    """The described type of this group, version and resource, or None. Whether it is served is the view's to say."""
    return types_by_resource().get((group, version, resource))
