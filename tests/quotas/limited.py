"""A workspace with limits, as its users see it."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from support.server import Workspace

MERGE = {"Content-Type": "application/merge-patch+json"}
CLUSTER_SCOPED = {"experimental.quota.kcp.io/cluster-scoped": "true"}
LOGICAL_CLUSTER = "/apis/core.kcp.io/v1alpha1/logicalclusters/cluster"


def until(question, seconds=20):
    """Wait until a function says yes."""
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.02)


@dataclass(frozen=True)
class Limited:
    """A workspace and a namespace in it."""

    workspace: Workspace
    namespace: str = "default"

    def path(self, resource="configmaps", group="", name="") -> str:
        root = f"/apis/{group}/v1" if group else "/api/v1"
        return f"{root}/namespaces/{self.namespace}/{resource}" + (f"/{name}" if name else "")

    def quota(self, name="q", annotations=None, **hard) -> None:
        """Write a quota, and wait for its status. Names are written with `_` for what Python does not take."""
        body = {
            "metadata": {"name": name, "annotations": annotations or {}},
            "spec": {"hard": {key.replace("__", "/").replace("_", "."): str(value) for key, value in hard.items()}},
        }
        status, found = self.workspace.request("POST", self.path("resourcequotas"), body)
        assert status == 201, found
        self.until_counted(name)

    def until_counted(self, name="q") -> None:
        def counted():
            _, found = self.workspace.request("GET", self.path("resourcequotas", name=name))
            return found["status"].get("hard") == found["spec"]["hard"] and "used" in found["status"]

        until(counted)

    def used(self, name="q") -> dict[str, str]:
        status, found = self.workspace.request("GET", self.path("resourcequotas", name=name))
        assert status == 200, found
        return found["status"]["used"]

    def create(self, name, resource="configmaps", group="", **more):
        body = {"metadata": {"name": name}, **more}
        return self.workspace.request("POST", self.path(resource, group), body)

    def delete(self, name, resource="configmaps", group="") -> None:
        status, found = self.workspace.request("DELETE", self.path(resource, group, name))
        assert status == 200, found

    def change(self, name, body, part="", resource="resourcequotas"):
        return self.workspace.request("PATCH", self.path(resource, name=name) + part, json.dumps(body), headers=MERGE)

    def names(self, resource="configmaps") -> list[str]:
        status, found = self.workspace.request("GET", self.path(resource))
        assert status == 200, found
        return [one["metadata"]["name"] for one in found["items"]]


def counted_objects(workspace) -> int:
    """How many objects there are in a workspace but events, by listing all it serves."""
    _, groups = workspace.request("GET", "/apis")
    paths = ["/api/v1", *(f"/apis/{one['groupVersion']}" for group in groups["groups"] for one in group["versions"])]
    found = set()
    for path in paths:
        for resource in workspace.request("GET", path)[1]["resources"]:
            if "list" in resource["verbs"] and resource["name"] != "events":
                status, listed = workspace.request("GET", f"{path}/{resource['name']}", user="shard-admin")
                assert status == 200, listed
                found |= {one["metadata"]["uid"] for one in listed["items"]}
    return len(found)


def at_once(work, arguments, workers=8):
    """Results of a function for each of many arguments, called from many threads."""
    with ThreadPoolExecutor(workers) as threads:
        return list(threads.map(work, arguments))
