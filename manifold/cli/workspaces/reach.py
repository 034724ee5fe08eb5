"""What one may do where: the workspaces one may enter, wherever they are, and the types one may create.

Both are questions to Manifold's own API (`/services/access/`), which answers from an index and never walks the tree. It
answers in pages; each is sorted by path before it is written, so that what fits one page is sorted as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from manifold.base import clusters
from manifold.cli.workspaces.failures import CommandError, ServerError
from manifold.cli.workspaces.listing import Listing
from manifold.cli.workspaces.session import Session, pages

SERVICE = "/services/access/self/clusters"
GROUP = "/apis/access.manifold/v1alpha1"
ACCESSIBLE = f"{SERVICE}/{clusters.WILDCARD}{GROUP}/accessibleworkspaces"
"""The request path of the workspaces the caller may enter."""
_NO_SERVICE = "Path not resolved to a valid virtual workspace"


def list_mine(session: Session, arguments: tuple[str, ...]) -> None:
    """Write the workspaces the caller may enter; as names, they are absolute paths."""
    listing = Listing(session.flags.text("output"), lambda one: f":{one['spec']['path']}", "No workspaces found")
    listing.write(_asked(session, ACCESSIBLE, listing.accept, "which workspaces one may enter"))


def list_types(session: Session, arguments: tuple[str, ...]) -> None:
    """Write the types one may create in a workspace; as names, they are what `--type` takes."""
    path = session.workspace
    listing = Listing(
        session.flags.text("output"), lambda one: f"{one['spec']['path']}:{one['spec']['name']}", "No types found"
    )
    request = f"{SERVICE}/{quote(path, safe=':')}{GROUP}/usableworkspacetypes"
    listing.write(_asked(session, request, listing.accept, "which types one may create"))


def _asked(session: Session, request: str, accept: str, what: str) -> Iterator[dict[str, Any]]:
    """The pages of an answer. Raises CommandError where the server does not know the question."""
    try:
        for page in pages(session.client, request, accept):
            _sort(page)
            yield page
    except ServerError as error:
        if error.code == 404 or (error.code == 403 and _NO_SERVICE in str(error)):
            raise CommandError(f"the server does not tell {what}; kcp, for one, has no such question") from None
        raise


def _sort(page: dict[str, Any]) -> None:
    """Bring a page into the order of paths."""
    if "items" in page:
        page["items"].sort(key=lambda one: (one["spec"]["path"], one["spec"].get("name", "")))
        return
    names = [column["name"] for column in page.get("columnDefinitions") or ()]
    order = [at for at, name in enumerate(names) if name in ("Path", "Type")]
    order.sort(key=lambda at: names[at])
    page.get("rows", []).sort(key=lambda row: [str(row["cells"][at]) for at in order])
