"""Objects of every type, anywhere of a wrong shape, through every verb: each is taken whole or refused with a reason.

What was taken must remain readable in every form, and must go away again.
"""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from shapes import bodies
from support.examples import examples

from manifold.types.kcp import EXPORTED_TYPES, SYSTEM_TYPES
from manifold.types.table import built_in_types

TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
MERGE, STRATEGIC, APPLY = (
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)
EXAMPLES = 12


def every_type():
    exported = [kind for kinds in EXPORTED_TYPES.values() for kind in (kinds if isinstance(kinds, tuple) else (kinds,))]
    return {
        f"{kind.resource}.{kind.version}.{kind.group}": kind for kind in (*built_in_types(), *SYSTEM_TYPES, *exported)
    }


TYPES = every_type()


def collection(base, kind):
    path = f"{base}/apis/{kind.group}/{kind.version}" if kind.group else f"{base}/api/{kind.version}"
    return f"{path}/namespaces/default/{kind.resource}" if kind.namespaced else f"{path}/{kind.resource}"


@pytest.mark.fuzz
@pytest.mark.parametrize("name", TYPES)
def test_objects_of_any_shape(client, arena, name):
    kind = TYPES[name]
    path = collection(arena, kind)

    @settings(max_examples=examples(EXAMPLES), suppress_health_check=list(HealthCheck))
    @given(bodies(kind, "hostile"), bodies(kind, "hostile"))
    def through_every_verb(first, second):
        made = client.ask("POST", path, first).judged()
        if kind.storageless:
            return
        one = f"{path}/hostile"
        client.ask("PUT", one, second).judged()
        client.ask("PATCH", one, second, {"content-type": MERGE}).judged()
        client.ask("PATCH", one, second, {"content-type": STRATEGIC}).judged()
        client.ask("PATCH", f"{one}?fieldManager=test&force=true", second, {"content-type": APPLY}).judged()
        for subresource in kind.subresources:
            client.ask("PUT", f"{one}/{subresource}", second).judged()
            client.ask("PATCH", f"{one}/{subresource}", second, {"content-type": MERGE}).judged()
        if made.status == 404:
            return
        for accept in ("application/json", TABLE, METADATA, "application/yaml"):
            client.ask("GET", path, None, {"accept": accept}).judged(200)
        gone = client.ask("DELETE", one).judged(200, 403, 404, 409)
        if gone.status == 200 and gone.json()["kind"] != "Status":
            client.ask("PATCH", one, {"metadata": {"finalizers": None}}, {"content-type": MERGE}).judged()

    through_every_verb()


@pytest.mark.parametrize("name", TYPES)
def test_bodies_that_are_no_object(client, arena, name):
    kind = TYPES[name]
    path = collection(arena, kind)
    head = {"apiVersion": kind.api_version, "kind": kind.kind}
    for body in (None, [], [head], "x", 1, True, {}, {**head, "metadata": None}, {**head, "metadata": []},
                 {**head, "metadata": {"name": None}}, {**head, "metadata": {"name": ["x"]}}, {**head, "kind": {}},
                 {**head, "apiVersion": 7}, {**head, "apiVersion": "a/b/c"}, {**head, "kind": "List", "items": []},
                 {**head, "metadata": {"labels": {"a": None}}}, {**head, "metadata": {"annotations": {"a": {}}}},
                 {**head, "metadata": {"name": "..", "generateName": 3}}, {**head, "spec": None, "status": None},
                 {**head, "metadata": {"name": "a\x00b", "labels": {"\x00": "\x00"}}}):  # fmt: skip
        data = json.dumps(body).encode()
        answer = client.ask("POST", path, data).judged(201, 400, 403, 404, 409, 415, 422)
        if answer.status == 201 and not kind.storageless:
            client.ask("DELETE", f"{path}/{answer.json()['metadata']['name']}").judged(200)
        if not kind.storageless:
            client.ask("PUT", f"{path}/hostile", data).judged()
            client.ask("DELETE", f"{path}/hostile", data).judged()
