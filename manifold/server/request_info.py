"""What a request is about, read from its method and path alone.

The forms of the paths are those of kube-apiserver, behind `/clusters/<cluster>` (tenancy reference, section 2.2):

    /api/<version>/...                    the core group          /apis/<group>/<version>/...
    .../namespaces/<ns>/<resource>[/<name>[/<subresource>]]       .../<resource>[/<name>[/<subresource>]]
    .../watch/...                         the deprecated form of watch=true

A pure function over text, so that every request maps to exactly one question to the authorizer and one place in the
store, and a property test can hold it.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote

CLUSTERS = "/clusters/"

_VERBS = {
    "POST": "create",
    "GET": "get",
    "HEAD": "get",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_MEANT = frozenset((*_VERBS.values(), "list", "watch", "deletecollection"))
NAMESPACE_PARTS = ("status", "finalize")


class RequestInfo(NamedTuple):
    """A request understood. `resource` is empty for everything that is no resource; `path` is then the whole question.

    `cluster` is what stands in the URL, unresolved: a name, a path, `*`, or empty where there is none. `verb` is
    that of authorization: for paths the method in lower case, for collections `list`, `watch`, `deletecollection`.
    `watch_path`: `/watch/` stands before the resource, which is good for watching and nothing else.
    """

    cluster: str
    path: str
    verb: str
    group: str = ""
    version: str = ""
    resource: str = ""
    identity: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    watch: bool = False
    too_deep: bool = False
    named_watch: bool = False
    watch_path: bool = False


def split_cluster(path: str) -> tuple[str, str]:
    """The cluster part of a path and what follows it; the first is empty where the path names no cluster.

    `/clusters/root` without a trailing slash is `/clusters/root/`.
    """
    if not path.startswith(CLUSTERS):
        return "", path
    end = path.find("/", len(CLUSTERS))
    if end < 0:
        return path[len(CLUSTERS) :], "/"
    return path[len(CLUSTERS) : end], path[end:]


def parse(method: str, raw_path: str, watch: bool = False, name_selector: str = "") -> RequestInfo:
    """Understand a request. `raw_path` is the path as sent (percent-encoded), `watch` the parameter of the same name.

    `name_selector` is the name a field selector asks for, if it asks for one: Kubernetes authorizes such a list as
    one of that name.
    """
    cluster, rest = split_cluster(raw_path)
    if "%" in cluster:
        cluster = unquote(cluster)
    parts = rest.split("/")[1:]
    if parts and parts[-1] == "" and len(parts) > 1:
        parts.pop()
    head = parts[0]
    if head == "api":
        start = 2
    elif head == "apis":
        start = 3
    else:
        return RequestInfo(cluster, _decoded(rest), method.lower())
    if len(parts) <= start or "" in parts:
        return RequestInfo(cluster, _decoded(rest), method.lower())
    if "%" in rest:
        parts = [unquote(part) for part in parts]
    group, version = ("", parts[1]) if start == 2 else (parts[1], parts[2])
    segments = parts[start:]
    verb = _VERBS.get(method, "")
    if not verb and method.lower() not in _MEANT:  # a method LIST is no list
        verb = method.lower()
    deprecated = False
    if segments[0] == "watch" and len(segments) > 1:
        segments = segments[1:]
        deprecated = True
    namespace = ""
    if (
        segments[0] == "namespaces"
        and len(segments) > 2
        and not (len(segments) == 3 and segments[2] in NAMESPACE_PARTS)
    ):
        namespace = segments[1]
        segments = segments[2:]
    resource = segments[0]
    name = segments[1] if len(segments) > 1 else ""
    subresource = segments[2] if len(segments) > 2 else ""
    identity = ""
    if ":" in resource:
        resource, identity = resource.split(":", 1)
        if not resource or not identity:
            return RequestInfo(cluster, _decoded(rest), method.lower())
    watching = False
    if not name:
        if verb == "get":
            watching = watch or deprecated
            verb = "watch" if watching else "list"
            name = name_selector
        elif verb == "delete":
            verb = "deletecollection"
    elif deprecated and verb == "get" and not subresource:
        watching, verb = True, "watch"
    return RequestInfo(
        cluster,
        _decoded(rest),
        verb,
        group,
        version,
        resource,
        identity,
        subresource,
        namespace,
        name,
        watching,
        len(segments) > 3,
        deprecated and bool(name),
        deprecated,
    )


def _decoded(path: str) -> str:
    return unquote(path) if "%" in path else path
