"""A provider for the tests of exports: schemas, exports and bindings as bodies, and waiting for what comes later."""

import json
import time

SCHEMAS = "/apis/apis.kcp.io/v1alpha1/apiresourceschemas"
EXPORTS = "/apis/apis.kcp.io/v1alpha2/apiexports"
SLICES = "/apis/apis.kcp.io/v1alpha1/apiexportendpointslices"
BINDINGS = "/apis/apis.kcp.io/v1alpha2/apibindings"
WIDGETS = "/apis/example.io/v1/namespaces/default/widgets"
SPEC = {"type": "object", "properties": {"size": {"type": "integer", "minimum": 1}}}


def schema(prefix="v1", plural="widgets", kind="Widget", spec=SPEC, **changes):
    names = {"plural": plural, "singular": plural[:-1], "kind": kind, "listKind": f"{kind}List"}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"type": "object", "properties": {"spec": spec, "status": {"type": "object"}}},
        "subresources": {"status": {}},
    }
    body = {"group": "example.io", "scope": "Namespaced", "names": names, "versions": [version], **changes}
    group = body["group"] or "core"
    return {
        "apiVersion": "apis.kcp.io/v1alpha1",
        "kind": "APIResourceSchema",
        "metadata": {"name": f"{prefix}.{plural}.{group}"},
        "spec": body,
    }


def export(name, *schemas, **spec):
    resources = [
        {"group": one["spec"]["group"], "name": one["spec"]["names"]["plural"], "schema": one["metadata"]["name"]}
        for one in schemas
    ]
    return {
        "apiVersion": "apis.kcp.io/v1alpha2",
        "kind": "APIExport",
        "metadata": {"name": name},
        "spec": {"resources": resources, **spec},
    }


def binding(name, path, exported, claims=()):
    spec = {"reference": {"export": {"name": exported, **({"path": path} if path else {})}}}
    if claims:
        spec["permissionClaims"] = list(claims)
    return {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIBinding", "metadata": {"name": name}, "spec": spec}


def widget(name="one", size=1, kind="Widget"):
    return {"apiVersion": "example.io/v1", "kind": kind, "metadata": {"name": name}, "spec": {"size": size}}


def create(workspace, path, body, **options):
    status, made = workspace.request("POST", path, body, **options)
    assert status == 201, made
    return made


def read(workspace, path, **options):
    status, found = workspace.request("GET", path, **options)
    assert status == 200, found
    return found


def merge(workspace, path, body, **options):
    headers = {"Content-Type": "application/merge-patch+json"}
    status, found = workspace.request("PATCH", path, json.dumps(body), headers=headers, **options)
    assert status == 200, found
    return found


def offer(workspace, name, *schemas, **spec):
    """Create schemas, and an export of them."""
    for one in schemas:
        create(workspace, SCHEMAS, one)
    return create(workspace, EXPORTS, export(name, *schemas, **spec))


def conditions(obj):
    return {one["type"]: one for one in obj["status"].get("conditions") or ()}


def eventually(question):
    """What `question` answers, as soon as that is true."""
    deadline = time.monotonic() + 20
    while not (found := question()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found
