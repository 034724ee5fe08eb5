"""What a logical cluster answers on the paths where it describes itself: caching, redirects, refusals."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from openapi_types import TYPES, schema_of

from manifold.base.errors import StatusError
from manifold.views.document import Answer
from manifold.views.publication import Publication

LEASES = "/openapi/v3/apis/coordination.k8s.io/v1"
V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


@pytest.fixture
def publication() -> Publication:
    return Publication(TYPES, schema_of, "192.0.2.1:6443", routes=["/statusz"])


def ask(publication: Publication, path: str, **more: Any) -> Answer:
    answer = asyncio.run(publication.answer(path, **more))
    assert answer is not None
    return answer


def test_index_is_conditional(publication: Publication) -> None:
    first = ask(publication, "/openapi/v3")
    assert (first.status, first.headers["Cache-Control"]) == (200, "no-cache, private")
    assert ask(publication, "/openapi/v3/", if_none_match=first.headers["ETag"]).status == 304


def test_the_url_in_the_index_can_be_kept_for_ever(publication: Publication) -> None:
    index = orjson.loads(ask(publication, "/openapi/v3").body)
    path, _, tag = index["paths"]["apis/coordination.k8s.io/v1"]["serverRelativeURL"].partition("?hash=")
    answer = ask(publication, path, wanted_hash=tag)
    assert answer.status == 200
    assert answer.headers == {
        "Cache-Control": "public, immutable",
        "ETag": f'"{tag}"',
        "Vary": "Accept",
        "Content-Type": "application/json",
    }


def test_without_hash_it_is_to_be_asked_for_again(publication: Publication) -> None:
    answer = ask(publication, LEASES)
    assert answer.headers["Cache-Control"] == "no-cache, private"
    again = ask(publication, LEASES, if_none_match=answer.headers["ETag"])
    assert (again.status, again.body) == (304, b"")


def test_another_hash_leads_to_the_present_one(publication: Publication) -> None:
    tag = ask(publication, LEASES).headers["ETag"].strip('"')
    answer = ask(publication, LEASES, wanted_hash="ABC", prefix="/clusters/root:a")
    assert (answer.status, answer.body) == (301, b"")
    assert answer.headers == {
        "Content-Type": "application/json",
        "ETag": f'"{tag}"',
        "Cache-Control": "no-cache, private",
        "Location": f"/clusters/root:a{LEASES}?hash={tag}",
        "Vary": "Accept",
    }


@pytest.mark.parametrize("path", ["/openapi/v3/apis/nope/v1", "/openapi/v4", "/openapi/", "/apis/nope", "/nope"])
def test_nothing_is_published_elsewhere(publication: Publication, path: str) -> None:
    assert asyncio.run(publication.answer(path)) is None


def test_the_protobuf_form_is_refused(publication: Publication) -> None:
    protobuf = "application/com.github.proto-openapi.spec.v3.v1.0+protobuf"
    with pytest.raises(StatusError) as refused:
        asyncio.run(publication.answer(LEASES, accept=protobuf))
    assert refused.value.code == 406
    assert ask(publication, LEASES, accept=f"{protobuf}, */*").status == 200


def test_v2(publication: Publication) -> None:
    answer = ask(publication, "/openapi/v2")
    assert orjson.loads(answer.body)["swagger"] == "2.0"
    assert answer.headers["Vary"] == "Accept-Encoding, Accept"
    assert ask(publication, "/openapi/v2", if_none_match=answer.headers["ETag"]).status == 304


def test_both_forms_of_discovery_are_kept_apart(publication: Publication) -> None:
    assert orjson.loads(ask(publication, "/apis", accept=V2).body)["kind"] == "APIGroupDiscoveryList"
    assert orjson.loads(ask(publication, "/apis").body)["kind"] == "APIGroupList"
    assert orjson.loads(ask(publication, "/apis", accept=V2).body)["kind"] == "APIGroupDiscoveryList"


def test_the_root_lists_the_paths(publication: Publication) -> None:
    paths = orjson.loads(ask(publication, "/").body)["paths"]
    assert paths == sorted(paths)
    assert {"/api/v1", "/apis", "/apis/example.com/v1", "/openapi/v3", "/version", "/statusz", "/healthz"} <= set(paths)


def test_virtual_workspaces_do_not_tell_an_address() -> None:
    virtual = Publication(TYPES, schema_of, "192.0.2.1:6443", virtual=True)
    assert b"192.0.2.1" not in ask(virtual, "/apis").body
    resources = orjson.loads(ask(virtual, "/apis/example.com/v1").body)["resources"]
    assert resources[0]["verbs"] == sorted(resources[0]["verbs"])


def test_a_document_is_built_once_for_all_who_wait() -> None:
    built = []

    def counted(kind: Any) -> dict[str, Any]:
        built.append(kind.kind)
        return schema_of(kind)

    async def ask_all() -> set[bytes]:
        publication = Publication(TYPES, counted)
        answers = await asyncio.gather(*(publication.answer(LEASES) for _ in range(5)))
        return {answer.body for answer in answers if answer is not None}

    assert len(asyncio.run(ask_all())) == 1
    assert built == ["Widget"]


def test_the_loop_runs_while_documents_are_built() -> None:
    async def count() -> int:
        turns = 0
        task = asyncio.create_task(Publication(TYPES, schema_of).answer("/openapi/v2"))
        while not task.done():
            await asyncio.sleep(0)
            turns += 1
        return turns

    assert asyncio.run(count()) > 10
