"""What is asked in a storm: requests about few names, so that they meet, each with the answers that are right for it.

A 409 is right where a name is taken, and never because of what somebody else was doing meanwhile: nobody here names a
resourceVersion. A 404 or 403 is right wherever what a request is about may be gone, ending or not granted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

MERGE, APPLY = "application/merge-patch+json", "application/apply-patch+yaml"
CORE, CUSTOM = "/api/v1", "/apis/example.io/v1"
WORKSPACES = "/apis/tenancy.kcp.io/v1alpha1/workspaces"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SCHEMAS = "/apis/apis.kcp.io/v1alpha1/apiresourceschemas"
SLICES = "/apis/apis.kcp.io/v1alpha1/apiexportendpointslices"
EXPORTS, BINDINGS = (f"/apis/apis.kcp.io/v1alpha2/{one}" for one in ("apiexports", "apibindings"))
NAMES, NAMESPACES, CONSUMERS = ("a", "b", "c"), ("n0", "n1"), ("c0", "c1")
EXPORTED, PREFIXES, BOUND, BORN = ("e0", "e1"), ("v1", "v2"), ("b0", "b1"), ("x", "y")
HOLD = "example.io/hold"
CLAIM = {"group": "", "resource": "configmaps", "verbs": ["*"]}
PATCHED = {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}


@dataclass(frozen=True)
class Place:
    """Where a storm is: the path of its workspace, and the logical clusters of those in it, by name."""

    path: str
    clusters: dict[str, str]

    def inside(self, name: str) -> str:
        return f"/clusters/{self.path}:{name}"


@dataclass(frozen=True)
class Request:
    """A request and the statuses it may be answered with."""

    method: str
    path: str
    allowed: tuple[int, ...]
    body: dict | None = None
    media: str = ""


def definition(plural, kind):
    version = {"name": "v1", "served": True, "storage": True}
    names = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}
    return {"group": "example.io", "names": names, "scope": "Namespaced", "versions": [version]}


def schema(prefix):
    spec = definition("widgets", "Widget")
    spec["versions"][0]["schema"] = {"type": "object", "description": prefix, "properties": PATCHED}
    kind = {"apiVersion": "apis.kcp.io/v1alpha1", "kind": "APIResourceSchema"}
    return {**kind, "metadata": {"name": f"{prefix}.widgets.example.io"}, "spec": spec}


def own_definition():
    spec = definition("gadgets", "Gadget")
    spec["versions"][0]["schema"] = {"openAPIV3Schema": {"type": "object", "properties": PATCHED}}
    kind = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    return {**kind, "metadata": {"name": "gadgets.example.io"}, "spec": spec}


def export(name, prefix):
    resource = {"group": "example.io", "name": "widgets", "schema": f"{prefix}.widgets.example.io"}
    kind = {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIExport", "metadata": {"name": name}}
    return {**kind, "spec": {"resources": [resource], "permissionClaims": [CLAIM]}}


def binding(name, path, exported, claims):
    spec = {"reference": {"export": {"path": f"{path}:p", "name": exported}}, "permissionClaims": claims}
    kind = {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIBinding", "metadata": {"name": name}}
    return {**kind, "spec": spec}


def workspace(name):
    kind = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": name}}
    return {**kind, "spec": {"type": {"name": "universal", "path": "root"}}}


def claims(random):
    selector = random.choice(({"matchAll": True}, {"matchLabels": {"color": "red"}}))
    return [{**CLAIM, "state": random.choice(("Accepted", "Accepted", "Rejected")), "selector": selector}]


def verbs_on(collection: str, body: dict, random: Random) -> Request:
    """One of the verbs on an object of a namespace, which may not be there, end, or be full."""
    name = random.choice(NAMES)
    held = {"finalizers": [HOLD]} if random.random() < 0.2 else {}
    body = {**body, "metadata": {"name": name, "labels": {"color": random.choice(("red", "blue"))}, **held}}
    changed = {"spec" if "kind" in body and body["kind"] != "ConfigMap" else "data": {"k": str(random.random())}}
    one = f"{collection}/{name}"
    policy = random.choice(("", "?propagationPolicy=Foreground", "?propagationPolicy=Orphan"))
    return random.choice(
        (
            Request("POST", collection, (201, 403, 404, 409), body),
            Request("PATCH", f"{one}?fieldManager=m&force=true", (200, 201, 403, 404, 422), body, APPLY),
            Request("PATCH", one, (200, 403, 404), changed, MERGE),
            Request("PATCH", one, (200, 403, 404), {"metadata": {"finalizers": None}}, MERGE),
            Request("DELETE", one + policy, (200, 403, 404)),
        )
    )


def _config_map(random: Random, place: Place) -> Request:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": str(random.random())}}
    consumer = random.choice(CONSUMERS)
    # Directly, or by the provider, who may do what a claim grants at that moment.
    view = f"/services/apiexport/{place.clusters['p']}/{random.choice(EXPORTED)}/clusters/{place.clusters[consumer]}"
    base = random.choice((place.inside(consumer), place.inside(consumer), view))
    return verbs_on(f"{base}{CORE}/namespaces/{random.choice(NAMESPACES)}/configmaps", body, random)


def _custom(random: Random, place: Place) -> Request:
    plural, kind = random.choice((("gadgets", "Gadget"), ("widgets", "Widget")))
    collection = f"{place.inside(random.choice(CONSUMERS))}{CUSTOM}/namespaces/{random.choice(NAMESPACES)}/{plural}"
    return verbs_on(collection, {"apiVersion": "example.io/v1", "kind": kind, "spec": {}}, random)


def _namespace(random: Random, place: Place) -> Request:
    collection, name = f"{place.inside(random.choice(CONSUMERS))}{CORE}/namespaces", random.choice(NAMESPACES)
    if random.random() < 0.6:
        # A quota that came with another one of the name, and is full, is met before the name.
        return Request("POST", collection, (201, 403, 409), {"metadata": {"name": name}})
    return Request("DELETE", f"{collection}/{name}", (200, 404))


def _quota(random: Random, place: Place) -> Request:
    base = f"{place.inside(random.choice(CONSUMERS))}{CORE}/namespaces/{random.choice(NAMESPACES)}/resourcequotas"
    body = {"metadata": {"name": "q"}, "spec": {"hard": {"configmaps": str(random.choice((2, 3, 50)))}}}
    if random.random() < 0.6:
        return Request("POST", base, (201, 403, 404, 409), body)
    return random.choice(
        (
            Request("PATCH", f"{base}/q", (200, 404), {"spec": body["spec"]}, MERGE),
            Request("DELETE", f"{base}/q", (200, 404)),
        )
    )


def _definition(random: Random, place: Place) -> Request:
    collection = place.inside(random.choice(CONSUMERS)) + DEFINITIONS
    made = Request("POST", collection, (201, 409), own_definition())
    return random.choice((made, made, Request("DELETE", f"{collection}/gadgets.example.io", (200, 404))))


def _binding(random: Random, place: Place) -> Request:
    collection, name = place.inside(random.choice(CONSUMERS)) + BINDINGS, random.choice(BOUND)
    body = binding(name, place.path, random.choice(EXPORTED), claims(random))
    change = {"spec": {"permissionClaims": claims(random)}}
    return random.choice(
        (
            Request("POST", collection, (201, 403, 409), body),
            Request("POST", collection, (201, 403, 409), body),
            Request("PATCH", f"{collection}/{name}", (200, 404), change, MERGE),
            Request("DELETE", f"{collection}/{name}", (200, 404)),
        )
    )


def _export(random: Random, place: Place) -> Request:
    name, prefix, here = random.choice(EXPORTED), random.choice(PREFIXES), place.inside("p")
    change = {"spec": {"resources": export(name, prefix)["spec"]["resources"]}}
    return random.choice(
        (
            Request("POST", here + SCHEMAS, (201, 409), schema(prefix)),
            Request("DELETE", f"{here}{SCHEMAS}/{prefix}.widgets.example.io", (200, 404)),
            Request("POST", here + EXPORTS, (201, 409), export(name, prefix)),
            Request("DELETE", f"{here}{EXPORTS}/{name}", (200, 404)),
            Request("PATCH", f"{here}{EXPORTS}/{name}", (200, 404), change, MERGE),
        )
    )


def _workspace(random: Random, place: Place) -> Request:
    collection, name = f"/clusters/{place.path}{WORKSPACES}", random.choice(BORN)
    inside = f"{place.inside(name)}"
    bound = binding("b", place.path, random.choice(EXPORTED), claims(random))
    return random.choice(
        (
            Request("POST", collection, (201, 409), workspace(name)),
            Request("DELETE", f"{collection}/{name}", (200, 404)),
            Request("POST", f"{inside}{WORKSPACES}", (201, 403, 404, 409), workspace("child")),
            Request("POST", f"{inside}{BINDINGS}", (201, 403, 404, 409), bound),
        )
    )


KINDS: tuple[tuple[int, Callable[[Random, Place], Request]], ...] = (
    (6, _config_map),
    (5, _custom),
    (3, _namespace),
    (1, _quota),
    (2, _definition),
    (4, _binding),
    (3, _export),
    (2, _workspace),
)


def next_request(random: Random, place: Place) -> Request:
    """Some request."""
    weights, kinds = zip(*KINDS, strict=True)
    return random.choices(kinds, weights)[0](random, place)
