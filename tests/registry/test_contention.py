"""However many write one object at once, whoever asks for nothing in particular is not told of the others.

Each of many writers makes its own change by patches without a resourceVersion. A conflict would be an answer to
something nobody asked; and at the end every change is there.
"""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

WRITERS = 48
ROUNDS = 6
MAPS = "/api/v1/namespaces/default/configmaps"
NAMESPACE = "/api/v1/namespaces/default"
QUOTAS = f"{NAMESPACE}/resourcequotas"
MERGE = {"Content-Type": "application/merge-patch+json"}
APPLY = {"Content-Type": "application/apply-patch+yaml"}
JSON_PATCH = {"Content-Type": "application/json-patch+json"}


def together(work, count=WRITERS):
    """What each of `count` threads gives."""
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(work, range(count)))


def all_of(answers):
    """How often each status was answered."""
    return Counter(status for several in answers for status in several)


@pytest.fixture
def one(workspace):
    """The path of a config map with many writers."""
    assert workspace.request("POST", MAPS, {"metadata": {"name": "one"}, "data": {"begin": "1"}})[0] == 201
    return f"{MAPS}/one"


def patch_for(kind, writer, number):
    """A change by one writer, in one of the forms a patch has."""
    if kind == "merge":
        return json.dumps({"data": {f"w{writer}": str(number)}}), MERGE, ""
    if kind == "json":
        return json.dumps([{"op": "add", "path": f"/data/w{writer}", "value": str(number)}]), JSON_PATCH, ""
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {f"w{writer}": str(number)}}
    return json.dumps(body), APPLY, f"?fieldManager=w{writer}"


@pytest.mark.parametrize("kind", ["merge", "json", "apply"])
def test_patches_of_one_object(workspace, one, kind):
    def write(writer):
        done = []
        for number in range(ROUNDS):
            body, headers, query = patch_for(kind, writer, number)
            done.append(workspace.request("PATCH", one + query, body, headers=headers)[0])
        return done

    assert all_of(together(write)) == {200: WRITERS * ROUNDS}
    _, found = workspace.request("GET", one)
    assert found["data"] == {"begin": "1", **{f"w{writer}": str(ROUNDS - 1) for writer in range(WRITERS)}}


def changed_among_creations(workspace, path, change):
    """Assert that a quarter of the writers change the object at `path` while all others create, and none is refused."""

    def write(writer):
        done = []
        for number in range(ROUNDS):
            if writer % 4:
                body = {"metadata": {"name": f"m{writer}-{number}"}}
                done.append(workspace.request("POST", MAPS, body)[0])
            else:
                done.append(workspace.request("PATCH", path, json.dumps(change(writer, number)), headers=MERGE)[0])
        return done

    writers = len([one for one in range(WRITERS) if one % 4])
    assert all_of(together(write)) == {200: (WRITERS - writers) * ROUNDS, 201: writers * ROUNDS}


def test_a_namespace_changes_while_much_is_created_in_it(workspace):
    changed_among_creations(
        workspace, NAMESPACE, lambda who, number: {"metadata": {"labels": {f"w{who}": str(number)}}}
    )


def test_a_quota_changes_while_much_is_counted_in_it(workspace):
    body = {"metadata": {"name": "q"}, "spec": {"hard": {"configmaps": "10000"}}}
    assert workspace.request("POST", QUOTAS, body)[0] == 201
    changed_among_creations(
        workspace, f"{QUOTAS}/q", lambda who, number: {"spec": {"hard": {"configmaps": str(10000 + who * 10 + number)}}}
    )


def test_one_object_is_deleted_by_many_and_made_again(workspace):
    """Who deletes what another has deleted is told that there is none; nobody is told of a conflict."""

    def write(writer):
        done = []
        for _ in range(ROUNDS):
            if writer % 2:
                done.append(workspace.request("DELETE", f"{MAPS}/one")[0])
            else:
                body, headers, query = patch_for("apply", writer, 1)
                done.append(workspace.request("PATCH", f"{MAPS}/one{query}", body, headers=headers)[0])
        return done

    assert set(all_of(together(write))) <= {200, 201, 404}
