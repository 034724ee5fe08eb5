"""Every request is about exactly one thing, and two different things are never asked for by the same request."""

from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from manifold.server.request_info import NAMESPACE_PARTS, RequestInfo, parse, split_cluster

LABEL = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?", fullmatch=True)
GROUP = st.lists(LABEL, min_size=1, max_size=3).map(".".join)
ANY_SEGMENT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
RESOURCE = LABEL.filter(lambda text: text not in ("watch", "namespaces"))
CLUSTER = st.one_of(st.just("*"), st.just(""), st.lists(LABEL, min_size=1, max_size=4).map(":".join))


@st.composite
def places(draw):
    """(cluster, group, version, namespace, resource, identity, name, subresource): a place that can be asked for."""
    group = draw(st.one_of(st.just(""), GROUP))
    name = draw(st.one_of(st.just(""), ANY_SEGMENT))
    subresource = draw(st.one_of(st.just(""), LABEL)) if name else ""
    namespace = draw(st.one_of(st.just(""), ANY_SEGMENT))
    resource = draw(RESOURCE.filter(lambda text: not (namespace and not name and text in NAMESPACE_PARTS)))
    identity = draw(st.one_of(st.just(""), st.from_regex(r"[a-f0-9]{8}", fullmatch=True)))
    return draw(CLUSTER), group, draw(LABEL), namespace, resource, identity, name, subresource


def path_of(place) -> str:
    cluster, group, version, namespace, resource, identity, name, subresource = place
    parts = ["apis", group, version] if group else ["api", version]
    if namespace:
        parts += ["namespaces", namespace]
    parts.append(f"{resource}:{identity}" if identity else resource)
    parts += [part for part in (name, subresource) if part]
    path = "/" + "/".join(quote(part, safe=":") for part in parts)
    return f"/clusters/{quote(cluster, safe=':*')}{path}" if cluster else path


def place_of(info: RequestInfo):
    return (
        info.cluster,
        info.group,
        info.version,
        info.namespace,
        info.resource,
        info.identity,
        info.name,
        info.subresource,
    )


@given(places())
def test_what_is_asked_for_is_what_is_understood(place):
    assert place_of(parse("GET", path_of(place))) == place


@given(places(), places())
def test_no_two_places_share_a_path(one, other):
    assert (path_of(one) == path_of(other)) == (one == other)


@given(places(), st.sampled_from(["GET", "PUT", "PATCH", "DELETE"]))
def test_a_trailing_slash_changes_nothing(place, method):
    plain, slashed = parse(method, path_of(place)), parse(method, path_of(place) + "/")
    assert place_of(slashed) == place_of(plain)
    assert slashed.verb == plain.verb


PIECES = st.sampled_from(
    ["api", "apis", "v1", "watch", "namespaces", "status", "clusters", "x", "%2F", "%00", "..", "", ":", "a:b", "é"]
)  # fmt: skip


@given(
    st.lists(st.one_of(PIECES, ANY_SEGMENT), max_size=9),
    st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "X"]),
    st.booleans(),
)
@example(["clusters"], "GET", False)
@example(["clusters", ""], "GET", False)
@example(["api", "v1", "watch"], "GET", True)
def test_any_path_is_understood_as_one_thing(parts, method, watch):
    info = parse(method, "/" + "/".join(parts), watch)
    assert bool(info.resource) == bool(info.version)
    assert info.verb
    if info.watch:
        assert info.verb == "watch"
    if not info.resource:
        assert (info.name, info.namespace, info.subresource, info.watch) == ("", "", "", False)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/", ("", "get", "", "")),
        ("GET", "/api", ("", "get", "", "")),
        ("GET", "/api/v1", ("", "get", "", "")),
        ("GET", "/api/v1/", ("", "get", "", "")),
        ("GET", "/apis/apps", ("", "get", "", "")),
        ("GET", "/apis/apps/v1", ("", "get", "", "")),
        ("GET", "/healthz", ("", "get", "", "")),
        ("POST", "/nonsense", ("", "post", "", "")),
        ("GET", "/api//v1/pods", ("", "get", "", "")),
        ("GET", "/api/v1/pods", ("pods", "list", "", "")),
        ("HEAD", "/api/v1/pods", ("pods", "list", "", "")),
        ("HEAD", "/api/v1/pods/x", ("pods", "get", "", "x")),
        ("POST", "/api/v1/pods", ("pods", "create", "", "")),
        ("DELETE", "/api/v1/pods", ("pods", "deletecollection", "", "")),
        ("DELETE", "/api/v1/pods/x", ("pods", "delete", "", "x")),
        ("PATCH", "/api/v1/pods/x", ("pods", "patch", "", "x")),
        ("OPTIONS", "/api/v1/pods", ("pods", "options", "", "")),
        ("LIST", "/api/v1/pods", ("pods", "", "", "")),
        ("get", "/api/v1/pods/a", ("pods", "", "", "a")),
        ("GET", "/api/v1/watch/pods", ("pods", "watch", "", "")),
        ("GET", "/api/v1/watch/pods/x", ("pods", "watch", "", "x")),
        ("GET", "/api/v1/watch/namespaces/a/pods", ("pods", "watch", "a", "")),
        ("GET", "/api/v1/namespaces", ("namespaces", "list", "", "")),
        ("GET", "/api/v1/namespaces/a", ("namespaces", "get", "", "a")),
        ("GET", "/api/v1/namespaces/a/pods", ("pods", "list", "a", "")),
        ("GET", "/api/v1/namespaces/a/pods/x", ("pods", "get", "a", "x")),
    ],
)
def test_paths_and_methods(method, path, expected):
    info = parse(method, path)
    assert (info.resource, info.verb, info.namespace, info.name) == expected


@pytest.mark.parametrize(
    ("path", "subresource"),
    [
        ("/api/v1/namespaces/a/status", "status"),
        ("/api/v1/namespaces/a/finalize", "finalize"),
        ("/apis/g/v1/things/a/scale", "scale"),
        ("/apis/g/v1/namespaces/n/things/a/status", "status"),
    ],
)
def test_subresources(path, subresource):
    info = parse("PUT", path)
    assert (info.subresource, info.name, info.verb) == (subresource, "a", "update")


def test_watching_by_parameter():
    assert parse("GET", "/api/v1/pods", watch=True).verb == "watch"
    assert parse("POST", "/api/v1/pods", watch=True).verb == "create"
    assert parse("GET", "/api/v1/pods/x", watch=True).verb == "get"
    named = parse("GET", "/api/v1/pods", watch=True, name_selector="x")
    assert (named.verb, named.name) == ("watch", "x")
    assert parse("DELETE", "/api/v1/pods", name_selector="x").name == ""


@pytest.mark.parametrize(
    ("path", "cluster", "rest"),
    [
        ("/clusters/root", "root", "/"),
        ("/clusters/root/", "root", "/"),
        ("/clusters/root:a/api", "root:a", "/api"),
        ("/clusters//api", "", "/api"),
        ("/api/clusters/root", "", "/api/clusters/root"),
        ("/clusters", "", "/clusters"),
        ("", "", ""),
    ],
)
def test_the_cluster_of_a_path(path, cluster, rest):
    assert split_cluster(path) == (cluster, rest)


def test_too_many_segments_are_told():
    assert parse("GET", "/api/v1/namespaces/a/pods/x/status/more").too_deep
    assert not parse("GET", "/api/v1/namespaces/a/pods/x/status").too_deep


@pytest.mark.parametrize("segment", [":", ":id", "pods:"])
def test_an_identity_without_a_resource_or_a_resource_with_an_empty_one_is_a_path(segment):
    asked = parse("GET", f"/clusters/root/api/v1/{segment}")
    assert (asked.resource, asked.version, asked.path) == ("", "", f"/api/v1/{segment}")
