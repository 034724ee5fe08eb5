"""An export of fifty types that ten thousand workspaces have bound: what a binding costs, and what a change does."""

import json
import os
import time
from pathlib import Path

import pytest
from crowds import MANY, all_of, each_of
from support.server import running_server

pytestmark = pytest.mark.scale

TYPES = 50
APIS = "/apis/apis.kcp.io"


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def schema(number, prefix="v1", properties=("size",)):
    plural = f"things{number:02}s"
    kind = f"Thing{number:02}"
    spec = {"type": "object", "properties": {name: {"type": "integer"} for name in properties}}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"type": "object", "properties": {"spec": spec}},
    }
    return {
        "apiVersion": "apis.kcp.io/v1alpha1",
        "kind": "APIResourceSchema",
        "metadata": {"name": f"{prefix}.{plural}.example.io"},
        "spec": {
            "group": "example.io",
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": plural[:-1], "kind": kind, "listKind": f"{kind}List"},
            "versions": [version],
        },
    }


def exported(schemas):
    return {
        "resources": [
            {"group": "example.io", "name": one["spec"]["names"]["plural"], "schema": one["metadata"]["name"]}
            for one in schemas
        ]
    }


def send(server, method, path, body, user="kcp-admin", media="application/json"):
    status, found = server.request(method, path, json.dumps(body), user=user, headers={"Content-Type": media})
    assert status < 300, found
    return found


def test_fifty_types_and_very_many_bindings(tmp_path):
    with running_server(tmp_path) as server:
        provider = server.create_workspace("provider", directory=tmp_path)
        place = f"/clusters/{provider.path}{APIS}"
        schemas = [schema(number) for number in range(TYPES)]
        for one in schemas:
            send(server, "POST", f"{place}/v1alpha1/apiresourceschemas", one)
        export = {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIExport", "metadata": {"name": "ex"}}
        made = send(server, "POST", f"{place}/v1alpha2/apiexports", {**export, "spec": exported(schemas)})
        identity = made["status"]["identityHash"]
        clusters = all_of(server, "POST", [f"c{number}" for number in range(MANY)])
        binding = {
            "apiVersion": "apis.kcp.io/v1alpha2",
            "kind": "APIBinding",
            "metadata": {"name": "b"},
            "spec": {"reference": {"export": {"path": provider.path, "name": "ex"}}},
        }
        memory, cpu = resident_mib(server.pid), cpu_seconds(server.pid)
        places = [f"/clusters/{one}" for one in clusters.values()]
        answers = each_of(server, "POST", [(f"{one}{APIS}/v1alpha2/apibindings", binding) for one in places])
        cost = (cpu_seconds(server.pid) - cpu) * 1000 / MANY
        assert all(json.loads(one)["status"]["phase"] == "Bound" for one in answers)
        print(f"\n{MANY} bindings of {TYPES} types: {cost:.2f} ms of CPU each", end="; ")
        print(f"memory {memory:.0f} -> {resident_mib(server.pid):.0f} MiB")

        thing = {"apiVersion": "example.io/v1", "kind": "Thing00", "metadata": {"name": "one"}, "spec": {"size": 1}}
        objects = f"{APIS[:6]}example.io/v1/namespaces/default/things00s"
        each_of(server, "POST", [(one + objects, thing) for one in places])
        everywhere = f"/clusters/*/apis/example.io/v1/things00s:{identity}"
        cpu = cpu_seconds(server.pid)
        found = send(server, "GET", everywhere, None, user="shard-admin")
        assert len(found["items"]) == MANY
        print(f"list over all of them: {cpu_seconds(server.pid) - cpu:.2f} s of CPU")

        version = found["metadata"]["resourceVersion"]
        watch = f"{everywhere}?watch=true&resourceVersion={version}"
        with server.opened(watch, "shard-admin", patience=None) as stream:
            changed = [(f"{one}{objects}", {**thing, "metadata": {"name": "two"}}) for one in places]
            cpu = cpu_seconds(server.pid)
            each_of(server, "POST", changed)
            events = [json.loads(stream.readline())["object"]["metadata"] for _ in places]
            assert {one["annotations"]["kcp.io/cluster"] for one in events} == set(clusters.values())
            cost = (cpu_seconds(server.pid) - cpu) * 1000 / MANY
            print(f"an object in each of them, watched: {cost:.2f} ms of CPU each")

        newer = schema(0, "v2", ("size", "colour"))
        send(server, "POST", f"{place}/v1alpha1/apiresourceschemas", newer)
        cpu, started = cpu_seconds(server.pid), time.monotonic()
        merge = "application/merge-patch+json"
        send(server, "PATCH", f"{place}/v1alpha2/apiexports/ex", {"spec": exported([newer, *schemas[1:]])}, media=merge)
        last = sorted(places)[-1]

        def reached():
            found = server.request("GET", f"{last}{APIS}/v1alpha2/apibindings/b")[1]
            return found["status"]["boundResources"][0]["schema"]["name"] == newer["metadata"]["name"]

        while not reached():
            assert time.monotonic() < started + 600
            time.sleep(0.1)
        print(
            f"a new schema reached all of them in {time.monotonic() - started:.1f} s, "
            f"{(cpu_seconds(server.pid) - cpu) * 1000 / MANY:.2f} ms of CPU each; "
            f"memory {resident_mib(server.pid):.0f} MiB"
        )
