"""Going to a workspace, back, and saying where one is (sections 7.1 and 7.2 of the tenancy reference)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from manifold.base import clusters
from manifold.cli.workspaces import contexts, paths
from manifold.cli.workspaces.failures import CommandError, ServerError
from manifold.cli.workspaces.kubeconfig import Change, Kubeconfig
from manifold.cli.workspaces.session import TENANCY, Session, pages, say, warn

if TYPE_CHECKING:
    from manifold.cli.workspaces.client import Client

HOME_NOTE = (
    "Note: 'kubectl ws' now matches 'cd' semantics: go to home workspace. 'kubectl ws -' to go back. "
    "'kubectl ws .' to print current workspace."
)


def use(session: Session, arguments: tuple[str, ...]) -> None:
    """Go where the argument leads; home without one. With --interactive, let the user choose where."""
    if session.flags.on("interactive"):
        from manifold.cli.workspaces.browsing import browse

        browse(session, session.resolve(arguments[0]) if arguments else session.workspace)
        return
    argument = arguments[0] if arguments else "~"
    if argument == ".":
        current(session, ())
        return
    if argument == "-":
        _back(session)
        return
    if not arguments and not session.flags.on("short"):
        warn(HOME_NOTE)
    enter(session, session.resolve(argument))


def up(session: Session, arguments: tuple[str, ...]) -> None:
    """Go to the workspace above."""
    enter(session, session.resolve(".."))


def enter(session: Session, path: str) -> None:
    """Make the workspace at `path` the current one, after a look whether it is there and may be entered."""
    client = session.client
    denied = not _may_enter(client, path)
    workspace, missing = workspace_at(client, path)
    if denied:
        raise CommandError(f'workspace "{path}" not found' if missing else f'access to workspace "{path}" denied')
    from manifold.cli.workspaces.access import overrides

    cluster, context = overrides(session.flags)
    target = session.place.url(path)
    session.files.change(
        lambda now: contexts.enter(
            now, session.flags.text("context") or now.current_context, {**cluster, "server": target}, context
        )
    )
    _say_where(session, path, target, _type(path, workspace))
    for line in _claim_warnings(client, path):
        warn(line)


def current(session: Session, arguments: tuple[str, ...]) -> None:
    """Say where one is; no server is asked."""
    _say_where(session, session.place.path, session.url, "")


def create_context(session: Session, arguments: tuple[str, ...]) -> None:
    """Keep the current workspace as a context of its own."""
    place = session.place
    if not place.path:
        raise CommandError(f'current config context URL "{session.url}" does not point to workspace')
    name = arguments[0] if arguments else place.path
    keep_as_context(session, name, session.url, switch=True, overwrite=session.flags.on("overwrite"))


def keep_as_context(
    session: Session, name: str, server: str, switch: bool, overwrite: bool, overwrite_flag: str = "--overwrite"
) -> None:
    """Write a context `name` for the workspace at the URL `server`. Raises CommandError if it is there already."""
    from manifold.cli.workspaces.access import overrides

    cluster, _ = overrides(session.flags)
    existed = False

    def decide(now: Kubeconfig) -> Change:
        nonlocal existed
        existed = now.context(name) is not None
        if existed and not overwrite:
            raise CommandError(f'context "{name}" already exists in kubeconfig, use {overwrite_flag} to update it')
        from_context = session.flags.text("context") or now.current_context
        return contexts.named(now, from_context, name, {**cluster, "server": server}, switch)

    session.files.change(decide)
    say(f'{"Updated" if existed else "Created"} context "{name}"{" and switched to it" if switch else ""}.')


def _back(session: Session) -> None:
    session.files.change(lambda now: contexts.back(now, session.flags.text("context") or now.current_context))
    now = session.files.load()
    _, cluster = contexts.pair(now, contexts.CURRENT)
    server = cluster.text("server")
    _say_where(session, paths.place(server).path, server, "")


def _say_where(session: Session, path: str, url: str, kind: str) -> None:
    if session.flags.on("short"):
        if path:
            say(path)
    elif path:
        say(f"Current workspace is '{path}'{f' (type {kind})' if kind else ''}.")
    else:
        say(f'Current workspace is the URL "{url}".')


def _may_enter(client: Client, path: str) -> bool:
    """Whether discovery shows anything there. A refusal other than Forbidden is the user's answer."""
    try:
        groups = client.get(f"{clusters.request_path(path)}/apis")
    except ServerError as error:
        if error.code == 403:
            return False
        raise CommandError(error.generic) from None
    return bool(groups.get("groups"))


def workspace_at(client: Client, path: str) -> tuple[dict[str, Any] | None, bool]:
    """The Workspace object of a path, as far as one may read it, and whether it is known to be missing."""
    above = clusters.parent(path)
    if not above:
        return None, False
    try:
        return client.get(f"{clusters.request_path(above)}{TENANCY}/{clusters.base(path)}"), False
    except ServerError as error:
        return None, error.code == 404


def _type(path: str, workspace: dict[str, Any] | None) -> str:
    if path == clusters.ROOT:
        return clusters.ROOT
    return type_of(workspace) if workspace else ""


def type_of(workspace: dict[str, Any]) -> str:
    """The type of a Workspace object as `<path>:<name>`; empty for one that has none, as mounts have."""
    kind = (workspace.get("spec") or {}).get("type") or {}
    return clusters.join(kind.get("path") or "", kind["name"]) if kind.get("name") else ""


def _claim_warnings(client: Client, path: str) -> Iterator[str]:
    """What the bindings there leave open of what their exports claim. Not being allowed to look is no failure."""
    try:
        for page in pages(client, f"{clusters.request_path(path)}/apis/apis.kcp.io/v1alpha2/apibindings"):
            for binding in page.get("items") or ():
                yield from claims_left_open(binding)
    except CommandError:
        return


def claims_left_open(binding: dict[str, Any]) -> Iterator[str]:
    """Warnings for one APIBinding: claims it does not answer, or answers with other verbs."""
    name = binding["metadata"]["name"]
    answers = {_claim_key(claim): claim for claim in (binding.get("spec") or {}).get("permissionClaims") or ()}
    for claim in (binding.get("status") or {}).get("exportPermissionClaims") or ():
        shown = ".".join(part for part in (claim.get("resource"), claim.get("group")) if part)
        answer = answers.get(_claim_key(claim))
        if answer is None:
            yield f"Warning: claim for {shown} exported but not specified on APIBinding {name}"
            yield "Add this claim to the APIBinding's Spec."
        elif answer.get("state") not in ("Accepted", "Rejected"):
            yield f"Warning: claim for {shown} specified on APIBinding {name} but not accepted or rejected."
        elif answer.get("state") == "Accepted" and set(answer.get("verbs") or ()) != set(claim.get("verbs") or ()):
            allowed, expected = (",".join(sorted(each.get("verbs") or ())) for each in (answer, claim))
            yield (
                f"Warning: allowed verbs ({allowed}) on claim for {shown} on APIBinding {name} "
                f"do not match expected verbs ({expected})."
            )


def _claim_key(claim: dict[str, Any]) -> tuple[str, str, str]:
    return claim.get("group") or "", claim.get("resource") or "", claim.get("identityHash") or ""
