"""From what a user types to the path of a workspace, as section 7.1 of the tenancy reference has it.

Plain functions over text: no server is asked, `..` is resolved textually.
"""

from __future__ import annotations

from dataclasses import dataclass

from manifold.base import clusters
from manifold.cli.workspaces.failures import CommandError

ROOT_NOTE = (
    "Note: Using 'root:' to define an absolute path is no longer supported. "
    "Instead, use ':root' to specify an absolute path."
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a kubeconfig cluster points: `base` is the server's URL before `/clusters/`, `path` the workspace's path.

    A URL that is no workspace's is all base, with an empty path.
    """

    base: str
    path: str

    def url(self, path: str) -> str:
        """The URL of another workspace on this server."""
        return f"{self.base}/clusters/{path}"


def place(url: str) -> Place:
    """Split a server URL at the first `/clusters/`; what follows the path is dropped."""
    base, found, rest = url.partition("/clusters/")
    path = rest.partition("/")[0]
    return Place(base, path) if found and path else Place(url.rstrip("/"), "")


@dataclass(frozen=True, slots=True)
class Target:
    """Where an argument leads: below the home workspace (`home`, then `path` may be empty) or to an absolute path."""

    path: str
    home: bool = False
    note: str = ""


def resolve(argument: str, current: str, url: str, home_directory: str = "") -> Target:
    """Where `argument` leads from the workspace `current` (empty: the context is at `url`, which is no workspace's).

    The URL of a workspace on the same server leads to it. `home_directory` is what a shell makes of a `~`. Raises
    CommandError for an argument that leads nowhere.
    """
    if "://" in argument:
        return Target(_of_url(argument, url))
    text = argument
    if home_directory not in ("", "/") and (text == home_directory or text.startswith(home_directory + "/")):
        text = "~" + text[len(home_directory) :]
    text = text.replace("/", ":")
    if text == ":":
        inside = _inside(current, url)
        return Target(inside if clusters.is_name(inside) else inside.partition(":")[0])
    note = ""
    if text == "~" or text.startswith("~:"):
        below = _walk("~", text[2:], argument)[2:]
        if below and not clusters.is_valid_path(below):
            raise CommandError(f"invalid workspace path: {argument}")
        return Target(below, home=True)
    if text.startswith(":"):
        path = _walk("", text[1:], argument)
    elif text == "root" or text.startswith("root:"):
        path, note = _walk("", text, argument), ROOT_NOTE
    else:
        path = _walk(_inside(current, url), text, argument)
    if path == "*" or not clusters.is_valid_path(path):
        raise CommandError(f"invalid workspace path: {argument}")
    return Target(path, note=note)


def _of_url(argument: str, url: str) -> str:
    """The path of the workspace at a URL, as people send each other when they invite somebody."""
    there = place(argument)
    if not there.path or there.path == "*" or not clusters.is_valid_path(there.path):
        raise CommandError(f'the URL "{argument}" does not point to a workspace')
    if there.base != place(url).base:
        raise CommandError(f'the URL "{argument}" is of another server than the context; use --server')
    return there.path


def _inside(current: str, url: str) -> str:
    if not current:
        raise CommandError(f'current config context URL "{url}" does not point to workspace')
    return current


def _walk(start: str, steps: str, argument: str) -> str:
    """Follow the segments of `steps` from `start`."""
    path = start
    for step in steps.split(":") if steps else ():
        if step == "..":
            if clusters.is_name(path) or not path:
                raise CommandError("cannot go up from root")
            path = path.rpartition(":")[0]
        elif step == "":
            raise CommandError(f"invalid workspace path: {argument}")
        elif step != ".":
            path = f"{path}:{step}" if path else step
    return path
