"""CustomResourceDefinitions for these tests, and what is asked of a workspace again and again."""

import contextlib
import json
import time

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
MERGE = {"Content-Type": "application/merge-patch+json"}
APPLY = {"Content-Type": "application/apply-patch+yaml"}
SPEC = {"type": "object", "properties": {"size": {"type": "integer", "default": 3}, "color": {"type": "string"}}}


def version(name="v1", *, spec=SPEC, storage=True, served=True, **more):
    """A version of a definition whose `spec` has a schema."""
    schema = {
        "type": "object",
        "properties": {"spec": spec, "status": {"type": "object", "properties": {"phase": {"type": "string"}}}},
    }
    return {"name": name, "served": served, "storage": storage, "schema": {"openAPIV3Schema": schema}, **more}


def definition(plural="widgets", group="example.dev", *, versions=(), scope="Namespaced", names=None, **spec):
    """A definition, of widgets with one version unless told otherwise."""
    kind = plural[:-1].capitalize()
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"plural": plural, "kind": kind, **(names or {})},
            "versions": list(versions) or [version()],
            **spec,
        },
    }


def instance(name="one", kind="Widget", api_version="example.dev/v1", namespace="default", **more):
    """A custom resource."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **more.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **more}


def define(workspace, made):
    """Create a definition; it is established in the answer."""
    status, found = workspace.request("POST", DEFINITIONS, made)
    assert status == 201, found
    assert conditions(found)["Established"][0] == "True", found["status"]
    return found


def conditions(obj):
    """Status and reason of each condition, by its type."""
    return {one["type"]: (one["status"], one["reason"]) for one in obj["status"]["conditions"]}


def until(check, seconds=20):
    """Wait until a function gives something true, and give that."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.05)
    return found


def text(default=None):
    """The schema of a text."""
    return {"type": "string", **({"default": default} if default else {})}


def schema(**properties):
    """The schema of an object."""
    return {"type": "object", "properties": properties}


def change(workspace, versions, path=f"{DEFINITIONS}/widgets.example.dev", **spec):
    """Replace the versions of a definition, and more of its spec; gives the definition."""
    live = workspace.request("GET", path)[1]
    live["spec"] = {**live["spec"], "versions": versions, **spec}
    status, found = workspace.request("PUT", path, live)
    assert status == 200, found
    return found


@contextlib.contextmanager
def watching(workspace, path):
    """A function that gives the next event of an open watch as type and object, or None at its end."""
    mark = "&" if "?" in path else "?"
    with workspace.opened(f"{path}{mark}watch=1&timeoutSeconds=50") as answer:
        assert answer.status == 200, answer.read()

        def following():
            line = answer.readline()
            event = json.loads(line) if line else None
            return event and (event["type"], event["object"])

        yield following
