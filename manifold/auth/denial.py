"""The 403 a client sees: who may not do what, and nothing about why.

Reasons would tell a stranger which workspaces, roles and bindings exist, so the text ends in `access denied` whatever
the cause (sections 4.2 and 8.2 of the tenancy reference; clients compare it literally).
"""

from __future__ import annotations

from manifold.auth.attributes import Attributes
from manifold.base.errors import StatusError, forbidden, forbidden_path
from manifold.base.fields import quote

ACCESS_DENIED = "access denied"
NOT_PERMITTED = "workspace access not permitted"
"""The reason of the two doors that speak otherwise: home workspaces and the front proxy."""


def denial(attributes: Attributes, reason: str = ACCESS_DENIED) -> StatusError:
    """The refusal of `attributes`, as a 403 `Status`."""
    user = quote(attributes.user.name)
    if attributes.path or not attributes.resource:
        return forbidden_path(f"User {user} cannot {attributes.verb} path {quote(attributes.path)}: {reason}")
    resource = attributes.resource
    if attributes.subresource:
        resource = f"{resource}/{attributes.subresource}"
    where = f"in the namespace {quote(attributes.namespace)}" if attributes.namespace else "at the cluster scope"
    why = (
        f"User {user} cannot {attributes.verb} resource {quote(resource)} in API group {quote(attributes.group)} "
        f"{where}: {reason}"
    )
    return forbidden(attributes.group, attributes.resource, attributes.name, why)
