"""Every door is closed to those who have no key: the list of doors is read from the server and from its code.

What a logical cluster serves is asked of its discovery, what else there is comes from the tables of routes; so a new
type, subresource or route is tested by being there.
"""

import pytest
from hostile import Client

from manifold.server.health import KINDS
from manifold.server.routes import Routes
from manifold.views.paths import ROUTES

PUBLIC = tuple(f"/{kind}" for kind in KINDS)
"""Beginnings of the only paths that are answered to everybody."""
METHODS = {
    "get": "GET",
    "list": "GET",
    "watch": "GET",
    "create": "POST",
    "update": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
    "deletecollection": "DELETE",
}
NAMED = ("get", "update", "patch", "delete")
REVIEWS = ("authorization.k8s.io/v1/selfsubject", "authentication.k8s.io/v1/selfsubject")
OPEN_TO_USERS = {
    "GET": ("core.kcp.io/v1alpha1/logicalclusters", "tenancy.kcp.io/v1alpha1/workspace", *REVIEWS),
    "POST": (
        *REVIEWS,
        "authorization.k8s.io/v1/namespaces/default/selfsubject",
        "authentication.k8s.io/v1/namespaces/default/selfsubject",
    ),
    "PUT": (),
    "PATCH": (),
    "DELETE": (),
}
"""What the roles of all users open in `root`: asking about oneself, and seeing where one is."""
WRONG_TOKENS = ("Bearer wrong", "Bearer ", "Bearer a.b.c", "Bearer eyJhbGciOiJub25lIn0.e30.")


def discovered(client, base):
    """Every (method, path) of the resources a logical cluster publishes."""
    found = {}
    lists = [f"{base}/api/v1"]
    for group in client.ask("GET", f"{base}/apis").judged(200).json()["groups"]:
        lists += [f"{base}/apis/{version['groupVersion']}" for version in group["versions"]]
    for path in lists:
        for resource in client.ask("GET", path).judged(200).json()["resources"]:
            plural, _, subresource = resource["name"].partition("/")
            place = f"{path}/namespaces/default/{plural}" if resource["namespaced"] else f"{path}/{plural}"
            for verb in resource["verbs"]:
                named = verb in NAMED or subresource
                target = place + ("/some" if named else "") + (f"/{subresource}" if subresource else "")
                found[METHODS[verb], target + ("?watch=true&timeoutSeconds=1" if verb == "watch" else "")] = None
            found["GET", f"{path}/{plural}"] = None
    return list(found)


def documents(client, base):
    """Every path of a logical cluster that is no resource."""
    published = client.ask("GET", f"{base}/").judged(200).json()["paths"]
    paths = {
        *published,
        *ROUTES,
        "/",
        "/openapi/v3/api/v1",
        "/api/v1",
        "/apis/tenancy.kcp.io/v1alpha1",
        "/absent",
        "/ui",
    }
    return [("GET", f"{base}{path}") for path in sorted(paths)]


def own_routes(base):
    """What is served by handlers of its own, from the table in code."""
    for group, resource, subresource in Routes(None, None, None, None).table():  # the table needs nothing of them
        prefix = f"{base}/apis/{group}/v1" if group else f"{base}/api/v1"
        for place in (f"{prefix}/{resource}", f"{prefix}/namespaces/default/{resource}"):
            yield "POST", f"{place}/default/{subresource}" if subresource else place


def is_public(path, base):
    return path.removeprefix(base).startswith(PUBLIC)


@pytest.fixture(scope="module")
def doors(client, arena):
    """Every door of a workspace, of `root`, of what is outside all workspaces, and of those that lead into several."""
    found = []
    for base in (arena, "/clusters/root"):
        found += discovered(client, base) + documents(client, base) + list(own_routes(base))
    found += [("GET", path) for path in ROUTES]
    found += [
        (method, path.replace("/clusters/root", "/clusters/*")) for method, path in discovered(client, "/clusters/root")
    ]
    found += [(method, path.replace("/clusters/root", "/clusters/system:admin")) for method, path in found[-40:]]
    for cluster in ("system:system-crds", "system:bound-crds", "root:absent", "absent", "root:absent:deeper"):
        found += [("GET", f"/clusters/{cluster}{path}") for path in ("", "/", "/api", "/api/v1/namespaces", "/version")]
    for view in (
        "apiexport/root/tenancy.kcp.io",
        "initializingworkspaces/x",
        "terminatingworkspaces/x",
        "workspaces",
        "",
    ):
        found += [
            ("GET", f"/services/{view}{rest}") for rest in ("", "/clusters/*/api", "/clusters/root/api/v1/secrets")
        ]
    found += [
        (method, path) for method in ("POST", "PUT", "PATCH", "DELETE") for path in ("/", "/metrics", "/api/v1/nodes")
    ]
    return list(dict.fromkeys(found))


def body_of(method):
    return {"metadata": {"name": "some"}} if method in ("POST", "PUT", "PATCH") else None


def test_the_walk_is_long(doors):
    assert len(doors) > 1000
    assert any("serviceaccounts/default/token" in path for _, path in doors)
    assert any("selfsubjectaccessreviews" in path for _, path in doors)


def base_of(path):
    parts = path.split("/", 3)
    return f"/clusters/{parts[2]}" if path.startswith("/clusters/") else ""


def test_without_credentials(server, doors):
    with Client(server, None) as stranger:
        for method, path in doors:
            answer = stranger.ask(method, path, body_of(method))
            if is_public(path, base_of(path)) or (base_of(path) and path.removeprefix(base_of(path)) == "/metrics"):
                continue
            answer.judged(403)


def test_with_wrong_tokens(server, doors):
    """401 whatever is asked for, and wherever."""
    with Client(server, None) as stranger:
        for position, (method, path) in enumerate(doors):
            if is_public(path, base_of(path)) or (base_of(path) and path.removeprefix(base_of(path)) == "/metrics"):
                continue
            token = WRONG_TOKENS[position % len(WRONG_TOKENS)]
            answer = stranger.ask(method, path, body_of(method), {"authorization": token})
            answer.judged(401, *((403,) if token == "Bearer " else ()))


def test_with_a_user_who_has_no_rights(server, doors, arena):
    """A workspace of others is closed altogether; of `root` and the process, only what the roles of all users open."""
    opened = set()
    with Client(server, "bob") as bob:
        for method, path in doors:
            answer = bob.ask(method, path, body_of(method))
            if is_public(path, base_of(path)) or (base_of(path) and path.removeprefix(base_of(path)) == "/metrics"):
                continue
            answer.judged()
            if path.startswith(arena):
                answer.judged(403)
            elif answer.status != 403:
                opened.add((method, path.removeprefix("/clusters/root/").partition("?")[0], answer.status))
    unexpected = {
        (method, path, status)
        for method, path, status in opened
        if path.startswith(("api/v1/", "apis/"))
        and len(path.split("/")) > 2 + path.startswith("apis/")
        and not any(path.startswith(f"apis/{allowed}") for allowed in OPEN_TO_USERS[method])
    }
    assert not unexpected
    # What is not in `root` or outside all workspaces: of a path below `root`, only that it leads nowhere.
    beyond = {path for _, path, status in opened if path.startswith("/clusters/") and status != 404}
    assert not beyond
    assert not {path for _, path, _ in opened if path.startswith(("/services/", "/metrics"))}


def test_health_is_open_and_tells_nothing(server):
    with Client(server, None) as stranger:
        for kind in KINDS:
            answer = stranger.ask("GET", f"/{kind}")
            assert (answer.status, answer.body) == (200, b"ok")
