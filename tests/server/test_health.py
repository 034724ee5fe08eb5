"""Health answers in Kubernetes' words."""

import json

import pytest

from manifold.server.health import LOG, PING, Check, answer, version_document

GOOD = Check("store", lambda: "")
BAD = Check("store", lambda: "the disk is full of secrets")
ONLY_READY = Check("shutdown", lambda: "", ("readyz",))
ALL_PASSED = "[+]ping ok\n[+]log ok\n[+]shutdown ok\nreadyz check passed\n"


@pytest.mark.parametrize(
    ("path", "query", "checks", "status", "body"),
    [
        ("/livez", b"", [PING, GOOD], 200, "ok"),
        ("/healthz", b"", [PING, GOOD], 200, "ok"),
        ("/readyz", b"verbose", [PING, LOG, ONLY_READY], 200, ALL_PASSED),
        ("/livez", b"verbose=true", [PING, ONLY_READY], 200, "[+]ping ok\nlivez check passed\n"),
        ("/readyz", b"", [PING, BAD], 500, "[+]ping ok\n[-]store failed: reason withheld\nreadyz check failed\n"),
        ("/readyz", b"exclude=store", [PING, BAD], 200, "ok"),
        (
            "/readyz",
            b"exclude=store&exclude=x&verbose",
            [PING, BAD],
            200,
            '[+]ping ok\n[+]store excluded: ok\nwarn: some health checks cannot be excluded: no matches for "x"\n'
            "readyz check passed\n",
        ),
        ("/readyz/store", b"", [PING, GOOD], 200, "ok"),
        ("/readyz/store", b"", [PING, BAD], 500, "internal server error: reason withheld\n"),
        ("/healthz/nope", b"", [PING], 404, "404 page not found\n"),
        ("/livez/shutdown", b"", [PING, ONLY_READY], 404, "404 page not found\n"),
        ("/readyz/poststarthook/x", b"", [Check("poststarthook/x", lambda: "")], 200, "ok"),
    ],
)  # fmt: skip
def test_answers(path, query, checks, status, body):
    made = answer(path, query, checks)
    assert (made.status, made.body.decode()) == (status, body)
    assert made.content_type == "text/plain; charset=utf-8"


def test_version_document():
    document = json.loads(version_document())
    assert (document["major"], document["minor"]) == ("1", "36")
    assert document["gitVersion"].startswith("v1.36.0+manifold-")
    assert set(document) == {
        "major", "minor", "emulationMajor", "emulationMinor", "minCompatibilityMajor", "minCompatibilityMinor",
        "gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform",
    }  # fmt: skip
