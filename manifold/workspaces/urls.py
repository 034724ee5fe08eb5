"""The URLs that are stored in objects: of workspaces, of logical clusters, and of the views of workspace types and
exports.

They begin with what the shard is told to be reached at, so a start that is told something else leaves work: they are
brought up to date behind it, a page at a time (tenancy reference, sections 2.6, 3.3 and 3.4).
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from manifold.base import keys
from manifold.storage.contract import Guard, Store, Write
from manifold.types.resource import Object

CONTROLLER = "urls"
WORK_ROW = keys.work_key(CONTROLLER)
TOLD = keys.META + keys.segment("urls")
"""The key of the row that says which URLs were last told."""
CLUSTERS, SERVICES = "/clusters/", "/services/"


async def note_urls(store: Store, external_url: str, virtual_workspace_url: str) -> None:
    """Leave work where the URLs are not those of the last start."""
    row = await (await store.snapshot()).get(TOLD)
    value = orjson.dumps([external_url, virtual_workspace_url])
    if row is None or row.value != value:
        guard = Guard(TOLD, row.revision if row is not None else 0)
        await store.commit([Write(TOLD, value), Write(WORK_ROW, b"{}")], [guard])


def moved(url: str, base: str, opening: str) -> str:
    """A URL of the server at another base; `opening` is what follows the base. Any other URL stays."""
    _, found, rest = url.partition(opening)
    return f"{base}{opening}{rest}" if found else url


def move_workspace(workspace: Object, external_url: str) -> bool:
    """Bring the URL of a Workspace up to date. False: it is. That of a mount is another server's."""
    spec = workspace.get("spec") or {}
    if spec.get("mount") or not spec.get("URL"):
        return False
    url = moved(spec["URL"], external_url, CLUSTERS)
    if url == spec["URL"]:
        return False
    spec["URL"] = url
    metadata = workspace["metadata"]
    metadata["generation"] = metadata.get("generation", 0) + 1
    return True


def move_logical_cluster(logical_cluster: Object, external_url: str) -> bool:
    """Bring the URL of a LogicalCluster up to date. False: it is."""
    status = logical_cluster.get("status") or {}
    url = moved(status.get("URL") or "", external_url, CLUSTERS)
    if url == (status.get("URL") or ""):
        return False
    status["URL"] = url
    return True


def move_type(workspace_type: Object, virtual_workspace_url: str) -> bool:
    """Bring the URLs of the views of a WorkspaceType up to date. False: they are."""
    return _move_views((workspace_type.get("status") or {}).get("virtualWorkspaces"), virtual_workspace_url)


def move_slice(endpoint_slice: Object, virtual_workspace_url: str) -> bool:
    """Bring the endpoints of an APIExportEndpointSlice up to date. False: they are."""
    return _move_views((endpoint_slice.get("status") or {}).get("endpoints"), virtual_workspace_url)


def _move_views(views: Sequence[Object] | None, virtual_workspace_url: str) -> bool:
    changed = False
    for one in views or ():
        url = moved(one["url"], virtual_workspace_url, SERVICES)
        if url != one["url"]:
            one["url"], changed = url, True
    return changed
