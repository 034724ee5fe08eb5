"""Metadata of all objects of a group and resource, whatever they are defined or exported by, in all logical clusters.

Every test has a group of its own, because what it asks about is the whole server.
"""

import asyncio
import contextlib
import http.client
import itertools
import json
import ssl

import pytest
from provider import BINDINGS, binding, create, eventually, merge, offer, schema
from support.server import running_server

from manifold.base import keys
from manifold.registry.every_identity import ORIGINAL_VERSION
from manifold.storage.contract import Write
from manifold.storage.sqlite import open_store
from manifold.views import known_types

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
PARTIAL = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_numbers = itertools.count(1)


class Widgets:
    """Widgets of one group: defined in `defining`, where they are stored as v2, and bound of two exports."""

    def __init__(self, server, provider, others):
        self.server = server
        self.group = f"g{next(_numbers)}.example.com"
        self.places = dict(zip(("defined", "a", "b"), others, strict=True))
        definition = {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"widgets.{self.group}"},
            "spec": {
                "group": self.group,
                "scope": "Namespaced",
                "names": {"plural": "widgets", "singular": "widget", "kind": "Wombat", "listKind": "WombatList"},
                "versions": [
                    {"name": name, "served": True, "storage": name == "v2", "schema": {"openAPIV3Schema": OPEN}}
                    for name in ("v1", "v2")
                ],
            },
        }
        create(self.places["defined"], DEFINITIONS, definition)
        for name in ("a", "b"):
            offer(provider, name, schema(name, group=self.group))
            create(self.places[name], BINDINGS, binding("bound", provider.path, name))

    @property
    def path(self):
        return f"/clusters/*/apis/{self.group}/v1/widgets"

    def put(self, where, name, **metadata):
        kind = "Wombat" if where == "defined" else "Widget"
        body = {"apiVersion": f"{self.group}/v1", "kind": kind, "metadata": {"name": name, **metadata}}
        return create(self.places[where], f"/apis/{self.group}/v1/namespaces/default/widgets", body)

    def delete(self, where, name):
        path = f"/apis/{self.group}/v1/namespaces/default/widgets/{name}"
        assert self.places[where].request("DELETE", path)[0] == 200

    def ask(self, query="", accept=PARTIAL_LIST, method="GET", user="shard-admin", path=None):
        return self.server.request(method, (path or self.path) + query, user=user, headers={"Accept": accept})

    def listed(self, query=""):
        status, found = self.ask(query)
        assert status == 200, found
        return found

    def names(self, query=""):
        return sorted(one["metadata"]["name"] for one in self.listed(query)["items"])

    @contextlib.contextmanager
    def watching(self, query="", accept=PARTIAL, path=None):
        """A watch; a function that gives the next event."""
        context = ssl.create_default_context(cafile=str(self.server.authority))
        connection = http.client.HTTPSConnection("127.0.0.1", self.server.port, context=context, timeout=20)
        with contextlib.closing(connection):
            headers = {"Authorization": f"Bearer {self.server.token('shard-admin')}", "Accept": accept}
            connection.request("GET", f"{path or self.path}?watch=1{query}", headers=headers)
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            yield lambda: json.loads(answer.readline())


@pytest.fixture
def widgets(server, workspace, tmp_path):
    others = [server.create_workspace(directory=tmp_path) for _ in range(3)]
    yield Widgets(server, workspace, others)
    for one in others:
        one.delete()


def told(event):
    """What an event tells: its type, the object's name and, of the versions, the original."""
    metadata = event["object"]["metadata"]
    assert event["object"]["kind"] == "PartialObjectMetadata"
    return event["type"], metadata["name"], metadata["annotations"][ORIGINAL_VERSION].rpartition("/")[2]


def test_a_list_has_all_of_them(widgets):
    before = {where: widgets.put(where, f"of-{where}") for where in widgets.places}
    found = widgets.listed()
    assert (found["kind"], found["apiVersion"]) == ("PartialObjectMetadataList", "meta.k8s.io/v1")
    last = max(int(one["metadata"]["resourceVersion"]) for one in before.values())
    assert int(found["metadata"]["resourceVersion"]) >= last
    by_name = {one["metadata"]["name"]: one for one in found["items"]}
    assert len(by_name) == len(found["items"]) == 3
    for where, version in (("defined", "v2"), ("a", "v1"), ("b", "v1")):
        one, whole = by_name[f"of-{where}"], before[where]["metadata"]
        annotations = {**whole["annotations"], ORIGINAL_VERSION: f"{widgets.group}/{version}"}
        assert annotations["kcp.io/cluster"] == widgets.places[where].cluster
        assert one == {
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": {**whole, "annotations": annotations},
        }
    # What is told besides is told here alone.
    assert ORIGINAL_VERSION not in json.dumps(widgets.places["a"].request("GET", f"/apis/{widgets.group}/v1/widgets"))


def test_a_list_comes_in_pages_and_selections(widgets):
    for where, number in itertools.product(widgets.places, range(3)):
        widgets.put(where, f"{where}-{number}", labels={"number": str(number)})
    pages, token, remaining = [], "", []
    while not pages or token:
        found = widgets.listed(f"?limit=2&continue={token}")
        pages.append([one["metadata"]["name"] for one in found["items"]])
        remaining.append(found["metadata"].get("remainingItemCount"))
        token = found["metadata"].get("continue", "")
        if len(pages) == 1:
            widgets.put("a", "late")
    assert [len(one) for one in pages] == [2, 2, 2, 2, 1]
    assert remaining == [7, 5, 3, 1, None]
    names = [name for page in pages for name in page]
    assert sorted(names) == sorted(f"{where}-{number}" for where in widgets.places for number in range(3))
    # Objects of one type lie together, those of definitions before those of exports.
    assert names[:3] == ["defined-0", "defined-1", "defined-2"]
    assert widgets.names("?labelSelector=number%3D1") == ["a-1", "b-1", "defined-1"]
    assert widgets.names("?fieldSelector=metadata.name%3Db-2") == ["b-2"]
    assert widgets.names("?fieldSelector=metadata.namespace%3Ddefault,metadata.name!%3Dlate&limit=500") == sorted(names)
    assert widgets.names("?fieldSelector=metadata.namespace%3Delsewhere") == []
    assert widgets.ask("?fieldSelector=spec.size%3D1")[0] == 400


def test_a_watch_tells_of_all_in_the_order_of_revisions(widgets):
    widgets.put("b", "before")
    start = widgets.listed()["metadata"]["resourceVersion"]
    with (
        widgets.watching(f"&resourceVersion={start}") as live,
        widgets.watching(f"&resourceVersion={start}&labelSelector=kept") as chosen,
    ):
        for where, version in (("b", "v1"), ("defined", "v2"), ("a", "v1")):
            widgets.put(where, f"of-{where}", labels={"kept": where})
            assert told(live()) == ("ADDED", f"of-{where}", version)
        path = f"/apis/{widgets.group}/v1/namespaces/default/widgets/of-defined"
        merge(widgets.places["defined"], path, {"metadata": {"labels": {"kept": None}}})
        assert told(live()) == ("MODIFIED", "of-defined", "v2")
        widgets.delete("a", "of-a")
        assert told(live()) == ("DELETED", "of-a", "v1")
        assert [told(chosen())[:2] for _ in range(5)] == [
            ("ADDED", "of-b"),
            ("ADDED", "of-defined"),
            ("ADDED", "of-a"),
            ("DELETED", "of-defined"),
            ("DELETED", "of-a"),
        ]
    with widgets.watching(f"&resourceVersion={start}") as again:
        events = [again() for _ in range(5)]
    revisions = [int(one["object"]["metadata"]["resourceVersion"]) for one in events]
    assert revisions == sorted(revisions)
    assert [one["type"] for one in events] == ["ADDED", "ADDED", "ADDED", "MODIFIED", "DELETED"]


def test_a_watch_begins_with_what_is_there(widgets):
    for where in widgets.places:
        widgets.put(where, f"of-{where}")
    query = "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    with widgets.watching(query) as stream:
        assert sorted(told(stream())[:2] for _ in range(3)) == [("ADDED", f"of-{one}") for one in ("a", "b", "defined")]
        mark = stream()
        assert mark["type"] == "BOOKMARK"
        assert mark["object"]["kind"] == "PartialObjectMetadata"
        assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        widgets.put("b", "later")
        assert told(stream())[:2] == ("ADDED", "later")


def test_other_watches_hear_what_they_did_before(widgets):
    def inside(where):
        return f"/clusters/{widgets.places[where].path}/apis/{widgets.group}/v1/widgets"

    def heard(stream):
        found = stream()["object"]
        return found["metadata"]["name"], found["apiVersion"], ORIGINAL_VERSION in found["metadata"]["annotations"]

    with (
        widgets.watching(accept="application/json", path=inside("a")) as a,
        widgets.watching(accept=PARTIAL, path=inside("b")) as b,
    ):
        with widgets.watching() as every:
            for where in ("a", "b"):
                widgets.put(where, f"of-{where}")
                assert told(every())[:2] == ("ADDED", f"of-{where}")
        for where in ("a", "b"):
            widgets.put(where, f"{where}-later")
        version = f"{widgets.group}/v1"
        assert [heard(a), heard(a)] == [("of-a", version, False), ("a-later", version, False)]
        partial = "meta.k8s.io/v1"
        assert [heard(b), heard(b)] == [("of-b", partial, False), ("b-later", partial, False)]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"accept": "application/json"}, 404),
        ({"accept": "application/json;as=Table;g=meta.k8s.io;v=v1"}, 404),
        ({"accept": "application/json;as=Table;g=meta.k8s.io;v=v1,application/json"}, 404),
        ({"accept": "text/plain"}, 404),
        ({"accept": PARTIAL}, 406),
        ({"accept": f"{PARTIAL_LIST},application/json"}, 200),
        ({"accept": PARTIAL_LIST.replace("json", "yaml")}, 200),
        ({"accept": PARTIAL_LIST.replace("json", "vnd.kubernetes.protobuf")}, 200),
        ({"accept": "application/json", "query": "?watch=1"}, 404),
        ({"user": "kcp-admin"}, 403),
        ({"user": "user"}, 403),
        ({"method": "POST"}, 405),
        ({"method": "DELETE"}, 405),
        ({"path": "/clusters/*/apis/{group}/v1/namespaces/default/widgets"}, 400),
        ({"path": "/clusters/*/apis/{group}/v1/namespaces/default/widgets/one"}, 405),
        ({"path": "/clusters/*/apis/{group}/v1/widgets/one/status"}, 405),
        ({"path": "/clusters/*/apis/{group}/v1/widgets:", "accept": "application/json"}, 404),
        ({"path": "/clusters/*/apis/{group}/v1/widgets:0000"}, 404),
        ({"path": "/clusters/*/apis/{group}/v2/widgets"}, 200),
        ({"path": "/clusters/*/apis/{group}/v3/widgets"}, 404),
        ({"path": "/clusters/*/apis/{group}/v1/gadgets"}, 404),
        ({"path": "/clusters/*/apis/{group}x/v1/widgets"}, 404),
        ({"path": "/clusters/*/api/v1/namespaces/default/configmaps"}, 400),
        ({"path": "/clusters/root/apis/{group}/v1/widgets"}, 404),
    ],
)
def test_who_may_ask_for_what(request, everything, asked, code):
    if "path" in asked:
        asked = {**asked, "path": asked["path"].format(group=everything.group)}
    status, answer = everything.ask(**asked)
    assert status == code, answer
    if code >= 400 and "yaml" not in asked.get("accept", ""):
        assert answer["kind"] == "Status"


@pytest.fixture(scope="module")
def everything(server, tmp_path_factory):
    """Widgets that no test changes."""
    directory = tmp_path_factory.mktemp("everything")
    made = [server.create_workspace(directory=directory) for _ in range(4)]
    yield Widgets(server, made[0], made[1:])
    for one in made:
        one.delete()


def test_a_type_of_the_servers_own_exports(server, workspace):
    path = "/clusters/*/apis/tenancy.kcp.io/v1alpha1/workspaces"
    status, found = server.request("GET", path, user="shard-admin", headers={"Accept": PARTIAL_LIST})
    assert status == 200, found
    found = {one["metadata"]["name"]: one["metadata"]["annotations"] for one in found["items"]}
    assert found[workspace.name][ORIGINAL_VERSION] == "tenancy.kcp.io/v1alpha1"
    assert server.request("GET", path, user="shard-admin")[0] == 404


def test_a_definition_that_is_gone_is_asked_for_in_vain(server, workspace, tmp_path):
    other = server.create_workspace(directory=tmp_path)
    group = f"g{next(_numbers)}.example.com"
    path = f"/clusters/*/apis/{group}/v1/widgets"
    body = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Cluster",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": OPEN}}],
        },
    }

    def code():
        return server.request("GET", path, user="shard-admin", headers={"Accept": PARTIAL_LIST})[0]

    assert code() == 404
    create(workspace, DEFINITIONS, body)
    assert code() == 200
    create(other, DEFINITIONS, body)
    assert workspace.request("DELETE", f"{DEFINITIONS}/widgets.{group}")[0] == 200
    eventually(lambda: workspace.request("GET", f"{DEFINITIONS}/widgets.{group}")[0] == 404)
    assert code() == 200
    other.delete()
    eventually(lambda: code() == 404)


def test_types_of_an_older_store_are_found(tmp_path):
    async def rows(forget=False):
        store = await open_store(tmp_path / "server" / "root" / "store.sqlite")
        prefix = keys.index_key(known_types.INDEX)
        found = {row.key for row in await (await store.snapshot()).scan(prefix, keys.after(prefix))}
        if forget:
            await store.commit([Write(key, None) for key in (*found, known_types.WRITTEN)])
        await store.close()
        return found

    with running_server(tmp_path / "server") as server:
        made = [server.create_workspace(directory=tmp_path) for _ in range(4)]
        widgets = Widgets(server, made[0], made[1:])
    before = asyncio.run(rows(forget=True))
    assert len(before) == 2  # the definition, and the one content that both exports offer
    with running_server(tmp_path / "server") as server:
        widgets.server = server
        assert widgets.listed()["items"] == []
    assert asyncio.run(rows()) == before
