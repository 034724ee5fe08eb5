"""Lists too long to be made at once are the same as short ones: in every text form, and in pages of any limit."""

import json

import orjson
import pytest

from manifold.schema.yaml_output import dump

MAPS = "/api/v1/namespaces/default/configmaps"
LARGE = 700_000
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"


def crowd(workspace, count, size):
    for number in range(count):
        body = {"metadata": {"name": f"m{number:03}"}, "data": {"k": chr(97 + number % 26) * size, "true": "a: b\nc"}}
        assert workspace.request("POST", MAPS, body)[0] == 201


def text(workspace, path, accept):
    """An answer as it came."""
    arguments = ["get", "--raw", f"/clusters/{workspace.path}{path}"]
    if accept == "application/json":
        return workspace.kubectl(*arguments).stdout
    status, answer = workspace.request("GET", path, headers={"Accept": accept})
    assert status == 200
    return answer


@pytest.mark.parametrize(("count", "size"), [(0, 0), (3, 10), (130, 2_000), (4, LARGE), (60, 40_000)])
def test_yaml_and_indented_json(workspace, count, size):
    crowd(workspace, count, size)
    for query in ("", "labelSelector=none", "limit=100"):
        status, found = workspace.request("GET", f"{MAPS}?{query}")
        assert status == 200
        assert text(workspace, f"{MAPS}?{query}", "application/yaml") == dump(found).decode()
        indented = orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n"
        assert text(workspace, f"{MAPS}?pretty=true&{query}", "application/json") == indented


def test_a_table_of_large_objects_indented(workspace):
    crowd(workspace, 3, LARGE)
    query = "includeObject=Object&labelSelector=!none"
    status, found = workspace.request("GET", f"{MAPS}?{query}", headers={"Accept": TABLE})
    assert status == 200
    status, again = workspace.request("GET", f"{MAPS}?pretty=true&{query}", headers={"Accept": TABLE})
    assert [row["object"] for row in again["rows"]] == [row["object"] for row in found["rows"]]
    assert again["columnDefinitions"] == found["columnDefinitions"]


@pytest.mark.parametrize("accept", ["application/json", TABLE])
def test_a_page_is_bounded_whatever_its_limit(workspace, accept):
    crowd(workspace, 30, LARGE)
    names, token, pages = [], "", 0
    while True:
        query = f"limit=1000000&includeObject=Metadata&continue={token}"
        status, found = workspace.request("GET", f"{MAPS}?{query}", headers={"Accept": accept})
        assert status == 200
        items = found["items"] if "items" in found else [row["object"] for row in found["rows"]]
        names += [one["metadata"]["name"] for one in items]
        pages += 1
        token = found["metadata"].get("continue", "")
        if not token:
            break
        assert found["metadata"]["remainingItemCount"] == 31 - len(names)
        assert len(json.dumps(found)) < 18 << 20
    assert pages == 2
    assert names == ["kube-root-ca.crt", *(f"m{number:03}" for number in range(30))]
