"""Creating a workspace and waiting for it (section 7.2 of the tenancy reference)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from manifold.base import clusters
from manifold.cli.workspaces.entering import enter, keep_as_context, type_of
from manifold.cli.workspaces.failures import CommandError, ServerError
from manifold.cli.workspaces.session import Session, collection, say, warn

if TYPE_CHECKING:
    from manifold.cli.workspaces.client import Client

PATIENCE = 60.0
"""Seconds to wait until a workspace is Ready."""
VISIBLE = 5.0
"""Seconds until a workspace that has been created must be readable: by then other shards have it."""
DEPRECATED = (
    "Command \"create\" is deprecated, install the 'kubectl create workspace' plugin instead, "
    "compare https://docs.kcp.io/kcp/latest/setup/kubectl-plugin/."
)


def create(session: Session, arguments: tuple[str, ...]) -> None:
    """Create the workspace that the argument names, wait until it can be used, and enter it if told so."""
    if not arguments:
        raise CommandError("the name of the workspace to create is missing")
    name, flags = arguments[0], session.flags
    wanted = _type_reference(flags.text("type"))
    tolerant = flags.on("ignore-existing")
    if tolerant and wanted and not clusters.is_below(wanted.get("path", ""), clusters.ROOT):
        raise CommandError("--ignore-existing must not be used with non-absolute type path")
    context = flags.text("create-context")
    if context and not tolerant and session.kubeconfig.context(context) is not None:
        raise CommandError(f'context "{context}" already exists in kubeconfig, use --ignore-existing to update it')
    parent = session.workspace
    workspace, existed = _made(session.client, parent, name, wanted, flags.text("location-selector"), tolerant)
    title = f'Workspace "{name}" (type {type_of(workspace)})' if type_of(workspace) else f'Workspace "{name}"'
    waiting = "" if existed and _is_ready(workspace) else " Waiting for it to be ready..."
    say(f"{title} {'already exists' if existed else 'created'}.{waiting}")
    if not _is_ready(workspace):
        workspace = _wait(session.client, f"{collection(parent)}/{name}", workspace)
    say(f"{title} is ready to use.")
    if flags.on("enter"):
        enter(session, clusters.join(parent, name))
    if context:
        url = (workspace.get("spec") or {}).get("URL") or ""
        keep_as_context(session, context, url, flags.on("enter"), tolerant, "--ignore-existing")


def create_deprecated(session: Session, arguments: tuple[str, ...]) -> None:
    """`ws create`, which has moved to `kubectl create workspace`, and says so."""
    warn(DEPRECATED)
    create(session, arguments)


def _type_reference(text: str) -> dict[str, str]:
    """A type as `<name>` or `<path>:<name>`; empty where none is given."""
    if not text:
        return {}
    path, _, name = text.removeprefix(":").rpartition(":")
    return {"name": name.lower(), "path": path} if path else {"name": name.lower()}


def _made(
    client: Client, parent: str, name: str, wanted: dict[str, str], selector: str, tolerant: bool
) -> tuple[dict[str, Any], bool]:
    """The Workspace, and whether it was there before."""
    spec: dict[str, Any] = {"type": wanted} if wanted else {}
    if selector:
        spec["location"] = {"selector": _selector(selector)}
    body = {
        "apiVersion": "tenancy.kcp.io/v1alpha1",
        "kind": "Workspace",
        "metadata": {"name": name},
        "spec": spec,
    }
    try:
        return client.create(collection(parent), body), False
    except ServerError as error:
        if not (tolerant and error.reason == "AlreadyExists"):
            raise
    found = client.get(f"{collection(parent)}/{name}")
    has = type_of(found)
    asked = clusters.join(wanted.get("path", ""), wanted["name"]) if wanted else has
    if asked != has:
        raise CommandError(
            f'workspace "{name}" cannot be created with type {asked}, it already exists with different type {has}'
        )
    return found, True


def _selector(text: str) -> dict[str, Any]:
    """The LabelSelector of a selector as it is typed."""
    from manifold.base import selectors

    try:
        requirements = selectors.read(text).requirements
    except ValueError as error:
        raise CommandError(f'invalid argument "{text}" for "--location-selector" flag: {error}') from None
    operators = {
        selectors.IN: "In",
        selectors.EQUALS: "In",
        selectors.DOUBLE_EQUALS: "In",
        selectors.NOT_IN: "NotIn",
        selectors.NOT_EQUALS: "NotIn",
        selectors.EXISTS: "Exists",
        selectors.DOES_NOT_EXIST: "DoesNotExist",
    }
    labels: dict[str, str] = {}
    expressions: list[dict[str, Any]] = []
    for each in requirements:
        if each.operator not in operators:
            raise CommandError(f'"{each.operator}" is not a valid label selector operator')
        if operators[each.operator] == "In" and len(each.values) == 1 and each.key not in labels:
            labels[each.key] = each.values[0]
            continue
        values = {"values": list(each.values)} if each.values else {}
        expressions.append({"key": each.key, "operator": operators[each.operator], **values})
    return {**({"matchLabels": labels} if labels else {}), **({"matchExpressions": expressions} if expressions else {})}


def _is_ready(workspace: dict[str, Any]) -> bool:
    return (workspace.get("status") or {}).get("phase") == "Ready"


def _wait(client: Client, request: str, workspace: dict[str, Any]) -> dict[str, Any]:
    """The Workspace once it is Ready: asked for often at first, later twice a second."""
    begun = time.monotonic()
    pause = 0.02
    while not _is_ready(workspace):
        if time.monotonic() - begun > PATIENCE:
            raise CommandError(f"context deadline exceeded{_reasons(workspace)}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)
        try:
            workspace = client.get(request)
        except ServerError as error:
            if error.code != 404 or time.monotonic() - begun > VISIBLE:
                raise
    return workspace


def _reasons(workspace: dict[str, Any]) -> str:
    """What the workspace itself says it waits for."""
    said = [
        each.get("message") or each.get("reason") or each["type"]
        for each in (workspace.get("status") or {}).get("conditions") or ()
        if each.get("status") == "False"
    ]
    return f": {'; '.join(said)}" if said else ""
