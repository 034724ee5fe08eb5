"""Stories of server-side apply, played on a real server: what is sent, and what the object and its owners must then be.

`== title` begins a story, which has one object. First comes its type: `on ConfigMap` (a row of `TYPES`), or
`define {v1: {properties: ...}, v2: ...}`, a type of the story's own, which a later `define` changes. Then commands,
each of a word, a manager (`name`, or `name/subresource`), perhaps a version (`v1` if none is given), and what is sent,
in YAML's flow style:

    create, update              the whole object
    merge, json, strategic      a patch
    apply, apply!               a configuration, or one that is forced
    owners                      the object as it is, with these managedFields
    kubectl                     not a manager, but kubectl's own arguments follow; ` <<< ` stands before what it reads
    wait                        nothing; time goes on by a second

Below a command, indented, stands what must hold: `! code text` the refusal (`\\n` breaks lines), `is {...}` the object,
`nobody` that it has no owners, or all owners: `name Operation version: paths`. With ` @n` behind the version, n waits
were before the owner's last change, and the owners are told in order.
"""

from __future__ import annotations

import calendar
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from manifold.schema.ownership.fields import paths

STORIES = Path(__file__).parent / "stories"
COMMAND = re.compile(
    r"(?P<word>\w+!?)\s+(?P<name>[\w-]+)(?:/(?P<sub>\w+))?(?:\s+(?P<version>v\d\w*))?\s+(?P<sent>[\[{].*)"
)
TYPES = {
    "ConfigMap": ("/api/v1/namespaces/default/configmaps", "v1"),
    "Secret": ("/api/v1/namespaces/default/secrets", "v1"),
    "ServiceAccount": ("/api/v1/namespaces/default/serviceaccounts", "v1"),
    "ResourceQuota": ("/api/v1/namespaces/default/resourcequotas", "v1"),
    "ClusterRole": ("/apis/rbac.authorization.k8s.io/v1/clusterroles", "rbac.authorization.k8s.io/v1"),
    "Namespace": ("/api/v1/namespaces", "v1"),
    "APIExport": ("/apis/apis.kcp.io/{version}/apiexports", "apis.kcp.io/{version}"),
}
MEDIA = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
    "apply!": "application/apply-patch+yaml",
}
GIVEN = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp", "generation", "managedFields")
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def stories() -> Iterator[Any]:
    for file in sorted(STORIES.glob("*.txt")):
        title, lines, number = "", [], 0
        for line in [*file.read_text().splitlines(), "== end"]:
            if line.startswith("== "):
                if title:
                    yield pytest.param(f"{file.stem}-{number}", lines, id=f"{file.stem}: {title}")
                title, lines, number = line[3:], [], number + 1
            elif line.strip() and not line.startswith("#"):
                lines.append(line)


def told(obj: dict[str, Any], begun: list[int]) -> list[str]:
    """The owners of an object as stories tell them. `begun` has the second in which each stretch of time began."""
    lines = []
    for entry in obj["metadata"].get("managedFields", ()):
        assert entry["fieldsType"] == "FieldsV1"
        name = entry["manager"] + ("/" + entry["subresource"] if "subresource" in entry else "")
        time_of = ""
        if "time" in entry:  # an apply that finds everything as it wants it leaves none
            second = calendar.timegm(time.strptime(entry["time"], "%Y-%m-%dT%H:%M:%SZ"))
            time_of = f" @{sum(1 for one in begun[1:] if one <= second)}"
        owned = " ".join(sorted(paths(entry["fieldsV1"])))
        lines.append(f"{name} {entry['operation']} {entry['apiVersion'].rpartition('/')[2]}{time_of}: {owned}")
    return lines


def in_order(line: str) -> str:
    head, _, owned = line.partition(":")
    return f"{head}: {' '.join(sorted(owned.split()))}"


def plain(obj: dict[str, Any]) -> dict[str, Any]:
    """An object without what the server gave it."""
    metadata = {name: value for name, value in obj["metadata"].items() if name not in GIVEN}
    annotations = {name: value for name, value in metadata.get("annotations", {}).items() if name != "kcp.io/cluster"}
    metadata.pop("annotations", None)
    if annotations:
        metadata["annotations"] = annotations
    rest = {name: value for name, value in obj.items() if name not in ("apiVersion", "kind", "metadata")}
    return {**rest, "metadata": metadata} if metadata else rest


class Story:
    """One story on its way: its type, its object as of the last command, and what is still to be compared."""

    def __init__(self, workspace: Any, name: str) -> None:
        self.workspace = workspace
        self.name = name
        self.kind = ""
        self.collection = self.api_version = ""
        self.live: dict[str, Any] = {}
        self.refusal: tuple[int, str] | None = None
        self.expected: list[str] = []
        self.begun = [int(time.time())]

    def done(self, method: str, path: str, body: Any = None, media: str = "application/json") -> dict[str, Any]:
        """A request; a refusal is kept to be compared."""
        text = body if isinstance(body, str) else json.dumps(body)
        status, answer = self.workspace.request(method, path, text, headers={"Content-Type": media})
        if status >= 400:
            self.refusal = (status, answer["message"])
            return self.live
        assert isinstance(answer, dict), answer
        return answer

    def command(self, line: str) -> None:
        self.settle()
        word, _, rest = line.partition(" ")
        if word == "wait":
            time.sleep(1.1)
            self.begun.append(int(time.time()))
        elif word == "on":
            self.kind = rest.strip()
            self.collection, self.api_version = TYPES[self.kind]
        elif word == "define":
            self.define(yaml.safe_load(rest))
        elif word == "kubectl":
            arguments, _, given = rest.partition(" <<< ")
            done = self.workspace.kubectl(*arguments.split(), input=self.manifest(given), check=False)
            if done.returncode:
                self.refusal = (done.returncode, done.stderr.partition("\n")[0])
            self.live = self.read("v1")
        else:
            self.write(line)

    def define(self, versions: dict[str, Any]) -> None:
        group = f"{self.name}.stories.example"
        described = [
            {
                "name": version,
                "served": not schema.get("unserved"),
                "storage": number == 0,
                "subresources": {"status": {}} if "status" in schema["properties"] else {},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": schema["properties"]}},
            }
            for number, (version, schema) in enumerate(versions.items())
        ]
        names = {"kind": "Thing", "plural": "things", "singular": "thing", "listKind": "ThingList"}
        spec = {"group": group, "names": names, "scope": "Cluster", "versions": described}
        path = f"{DEFINITIONS}/things.{group}"
        status, found = self.workspace.request("GET", path)
        if status == 404:
            body = {"metadata": {"name": f"things.{group}"}, "spec": spec}
            status, answer = self.workspace.request("POST", DEFINITIONS, body)
        else:
            found["status"]["storedVersions"] = [next(iter(versions))]
            self.workspace.request("PUT", f"{path}/status", found)
            status, found = self.workspace.request("GET", path)
            status, answer = self.workspace.request("PUT", path, {**found, "spec": spec})
        assert status < 300, answer
        self.kind, self.collection, self.api_version = (
            "Thing",
            f"/apis/{group}/{{version}}/things",
            f"{group}/{{version}}",
        )

    def manifest(self, given: str) -> str:
        if not given:
            return ""
        head = {"apiVersion": self.api_version.format(version="v1"), "kind": self.kind}
        sent = yaml.safe_load(given)
        return json.dumps({**head, **sent, "metadata": {"name": self.name, **sent.get("metadata", {})}})

    def read(self, version: str) -> dict[str, Any]:
        path = f"{self.collection.format(version=version)}/{self.name}"
        status, found = self.workspace.request("GET", path)
        assert status in (200, 404), found
        return found if status == 200 else {}

    def write(self, line: str) -> None:
        match = COMMAND.fullmatch(line)
        assert match, line
        word, version = match["word"], match["version"] or "v1"
        sent = yaml.safe_load(match["sent"])
        collection = self.collection.format(version=version)
        path = f"{collection}/{self.name}" + (f"/{match['sub']}" if match["sub"] else "")
        query = f"?fieldManager={match['name']}" + ("&force=true" if word == "apply!" else "")
        head = {"apiVersion": self.api_version.format(version=version), "kind": self.kind}
        if isinstance(sent, dict) and word not in ("merge", "strategic"):
            sent = {**head, **sent, "metadata": {"name": self.name, **sent.get("metadata", {})}}
        if word == "create":
            self.done("POST", collection + query, sent)
        elif word == "update":
            sent["metadata"]["resourceVersion"] = self.read(version)["metadata"]["resourceVersion"]
            self.done("PUT", path + query, sent)
        elif word == "owners":
            live = self.read(version)
            live["metadata"]["managedFields"] = sent
            self.done("PUT", path + query, live)
        else:
            self.done("PATCH", path + query, sent, MEDIA[word])
        self.live = self.read(version)

    def expectation(self, line: str) -> None:
        if line.startswith("! "):
            assert self.refusal is not None
            code, _, text = line[2:].partition(" ")
            prefix = f"things.{self.name}.stories.example"
            shown = self.refusal[1].replace(prefix, "things").replace(f"{self.name}.stories.example/", "")
            assert (self.refusal[0], shown.replace(self.name, "NAME")) == (int(code), text.replace("\\n", "\n"))
            self.refusal = None
        elif line.startswith("is "):
            assert self.refusal is None, self.refusal
            assert plain(self.live) == yaml.safe_load(line[3:])
        elif line == "nobody":
            assert told(self.live, self.begun) == []
        else:
            self.expected.append(line)

    def settle(self) -> None:
        assert self.refusal is None, self.refusal
        if self.expected:
            timeless = "@" not in "".join(line.partition(":")[0] for line in self.expected)
            found = told(self.live, self.begun)
            expected = [in_order(line) for line in self.expected]
            if timeless:  # owners stand in the order of their times, so no order can be told either
                found = sorted(re.sub(r" @\d+:", ":", line, count=1) for line in found)
                expected.sort()
            assert found == expected
            self.expected = []


@pytest.mark.parametrize(("name", "lines"), list(stories()))
def test_story(workspace: Any, name: str, lines: list[str]) -> None:
    story = Story(workspace, name)
    for line in lines:
        if line.startswith(" "):
            story.expectation(line.strip())
        else:
            story.command(line)
    story.settle()
