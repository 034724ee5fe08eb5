"""The list of paths at the root of a logical cluster: where a person with a browser or curl begins.

Every discovery path of the cluster, and the server's own routes. (Tenancy reference, section 5.3.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson

from manifold.types.resource import ResourceType
from manifold.views.discovery import group_names, versions_of
from manifold.views.document import Document

ROUTES = (
    "/.well-known/openid-configuration",
    "/healthz",
    "/healthz/ping",
    "/livez",
    "/livez/ping",
    "/metrics",
    "/openapi/v2",
    "/openapi/v3",
    "/openapi/v3/",
    "/openid/v1/jwks",
    "/readyz",
    "/readyz/ping",
    "/version",
)
"""Routes every server has. Further checks below `/healthz`, `/livez` and `/readyz` are the server's to add."""


def path_list(types: Sequence[ResourceType], routes: Iterable[str] = ()) -> Document:
    """`/`: all paths that can be read, in alphabetical order. `routes` are added to those of every server."""
    found = {"/api", "/apis", "/apis/", *ROUTES, *routes}
    found.update(f"/api/{version}" for version in versions_of(types, ""))
    for name in group_names(types):
        found.add(f"/apis/{name}")
        found.update(f"/apis/{name}/{version}" for version in versions_of(types, name))
    return Document(orjson.dumps({"paths": sorted(found)}, option=orjson.OPT_INDENT_2) + b"\n")
