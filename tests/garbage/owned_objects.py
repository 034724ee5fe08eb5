"""Config maps and others that own each other, made in a workspace of a test."""

import time

NAMESPACE = "default"
MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
NEVER = "11111111-1111-1111-1111-111111111111"


def create(workspace, name, *owners, path=MAPS, kind="ConfigMap", version="v1", **metadata):
    """Create an object that is owned by `owners` (objects, or references). Gives it as created."""
    references = [one if "uid" in one else reference(one) for one in owners]
    body = {"apiVersion": version, "kind": kind, "metadata": {"name": name, **metadata}}
    if references:
        body["metadata"]["ownerReferences"] = references
    status, made = workspace.request("POST", path, body)
    assert status == 201, made
    return made


def reference(owner, *, block=False, **changes):
    """A reference to an object."""
    metadata = owner["metadata"]
    found = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": metadata["name"], "uid": metadata["uid"]}
    if block:
        found["blockOwnerDeletion"] = True
    return {**found, **changes}


def get(workspace, name, path=MAPS):
    """An object, or None."""
    status, found = workspace.request("GET", f"{path}/{name}")
    return found if status == 200 else None


def delete(workspace, name, policy="", path=MAPS):
    query = f"?propagationPolicy={policy}" if policy else ""
    status, answer = workspace.request("DELETE", f"{path}/{name}{query}")
    assert status == 200, answer
    return answer


def eventually(check, seconds=10):
    """Wait until `check` gives something true, and give that."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)
    return found


def gone(workspace, *names, path=MAPS):
    eventually(lambda: all(get(workspace, name, path) is None for name in names))


def owners(obj):
    """The names of the owners of an object."""
    return [one["name"] for one in obj["metadata"].get("ownerReferences", ())]
