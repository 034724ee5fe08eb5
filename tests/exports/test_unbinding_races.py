"""An object that is created in the very moment in which its binding goes: refused, or ended with what was bound."""

import threading
import time

from provider import BINDINGS, WIDGETS, binding, create, eventually, offer, read, schema, widget

ROUNDS = 60
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.io"},
    "spec": {
        "group": "example.io",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}


def both(one, other):
    """What two things answer that begin together."""
    together, found = threading.Barrier(2), {}

    def do(name, work):
        together.wait()
        found[name] = work()

    threads = [threading.Thread(target=do, args=pair) for pair in (("one", one), ("other", other))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found["one"], found["other"]


def rounds(workspace, path, body):
    """Make what serves widgets, and end it while one is created, again and again; none survives the end."""
    created = 0
    for number in range(ROUNDS):
        create(workspace, path, body)
        one = f"{path}/{body['metadata']['name']}"
        pause = (number % 6) * 0.0005

        def end(at=one, pause=pause):
            time.sleep(pause)
            return workspace.request("DELETE", at)

        (status, answer), (ended, _) = both(lambda n=number: workspace.request("POST", WIDGETS, widget(f"w{n}")), end)
        assert (status, ended) in ((201, 200), (404, 200), (405, 200), (403, 200)), answer
        created += status == 201
        eventually(lambda at=one: workspace.request("GET", at)[0] == 404)
    create(workspace, path, body)
    assert read(workspace, WIDGETS)["items"] == [], f"{created} were created"


def test_of_a_binding(workspace, server, tmp_path):
    provider = server.create_workspace(directory=tmp_path)
    offer(provider, "ex", schema())
    rounds(workspace, BINDINGS, binding("b", provider.path, "ex"))
    provider.delete()


def test_of_a_definition(workspace):
    rounds(workspace, DEFINITIONS, DEFINITION)
