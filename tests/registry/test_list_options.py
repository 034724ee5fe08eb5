"""The parameters of each verb: what they mean, and the refusal of each that is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifold.base.errors import StatusError
from manifold.registry.options import (
    DeleteOptions,
    ListOptions,
    boolean,
    delete_options,
    list_options,
    parse_revision,
    write_options,
)

NOT_OLDER = {"resourceVersionMatch": ["NotOlderThan"]}


def refusal(call, *arguments) -> StatusError:
    with pytest.raises(StatusError) as raised:
        call(*arguments)
    return raised.value


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ListOptions()),
        ({"limit": ["5"]}, ListOptions(limit=5)),
        ({"limit": ["-1"]}, ListOptions(limit=0)),
        ({"resourceVersion": ["0"]}, ListOptions(revision=0)),
        ({"resourceVersion": [""]}, ListOptions()),
        ({"resourceVersion": ["7"], "resourceVersionMatch": ["Exact"]}, ListOptions(revision=7, match="Exact")),
        ({"resourceVersion": ["0"], **NOT_OLDER}, ListOptions(revision=0, match="NotOlderThan")),
        ({"labelSelector": ["a=b"], "fieldSelector": ["c=d"]}, ListOptions("a=b", "c=d")),
        ({"continue": ["x"], "limit": ["5"]}, ListOptions(limit=5, continuation="x")),
        ({"timeoutSeconds": ["9"]}, ListOptions(timeout=9)),
        ({"limit": ["+5", "6"]}, ListOptions(limit=5)),
    ],
)
def test_lists(query, expected):
    assert list_options(query, False) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ListOptions(watch=True)),
        ({"resourceVersion": ["9"]}, ListOptions(watch=True, revision=9)),
        ({"allowWatchBookmarks": ["true"]}, ListOptions(watch=True, bookmarks=True)),
        ({"allowWatchBookmarks": ["0"]}, ListOptions(watch=True, bookmarks=False)),
        (
            {"sendInitialEvents": ["true"], **NOT_OLDER},
            ListOptions(watch=True, initial_events=True, match="NotOlderThan"),
        ),
        (
            {"sendInitialEvents": ["false"], **NOT_OLDER, "resourceVersion": ["4"]},
            ListOptions(watch=True, initial_events=False, match="NotOlderThan", revision=4),
        ),
    ],
)
def test_watches(query, expected):
    assert list_options(query, True) == expected


@pytest.mark.parametrize(
    ("watch", "query", "field"),
    [
        (False, {"sendInitialEvents": ["true"]}, "sendInitialEvents"),
        (False, {"resourceVersionMatch": ["Exact"]}, "resourceVersionMatch"),
        (False, {"resourceVersionMatch": ["Exact"], "resourceVersion": ["0"]}, "resourceVersionMatch"),
        (False, {"resourceVersionMatch": ["Other"], "resourceVersion": ["5"]}, "resourceVersionMatch"),
        (False, {"continue": ["x"], "resourceVersion": ["5"], **NOT_OLDER}, "resourceVersionMatch"),
        (True, {"sendInitialEvents": ["true"]}, "resourceVersionMatch"),
        (True, {"resourceVersionMatch": ["NotOlderThan"]}, "resourceVersionMatch"),
        (True, {"sendInitialEvents": ["true"], "resourceVersionMatch": ["Exact"]}, "resourceVersionMatch"),
    ],
)
def test_lists_and_watches_that_are_invalid(watch, query, field):
    refused = refusal(list_options, query, watch)
    assert (refused.code, refused.reason) == (422, "Invalid")
    assert refused.message.startswith('ListOptions.meta.k8s.io "" is invalid: ')
    assert all(cause["field"] == field for cause in refused.details["causes"])


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"limit": ["x"]}, 'strconv.ParseInt: parsing "x": invalid syntax'),
        ({"limit": ["9223372036854775808"]}, 'strconv.ParseInt: parsing "9223372036854775808": value out of range'),
        ({"timeoutSeconds": ["1.5"]}, 'strconv.ParseInt: parsing "1.5": invalid syntax'),
        (
            {"resourceVersion": ["x"]},
            "invalid resource version: resourceVersion: Invalid value: "
            '"x": strconv.ParseUint: parsing "x": invalid syntax',
        ),
        (
            {"continue": ["x"], "resourceVersion": ["5"]},
            "specifying resource version is not allowed when using continue",
        ),
    ],
)  # fmt: skip
def test_lists_that_cannot_be_read(query, text):
    refused = refusal(list_options, query, False)
    assert (refused.code, refused.reason, refused.message) == (400, "BadRequest", text)


@given(st.integers(0, (1 << 64) - 1))
def test_revisions(number):
    assert parse_revision(str(number)) == number


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", " 1", "1e3", "0x1", "²", "١", str(1 << 64)])
def test_what_is_no_revision(text):
    with pytest.raises(ValueError, match=r"^strconv\.ParseUint: parsing "):
        parse_revision(text)


@pytest.mark.parametrize(
    ("values", "meant"),
    [([], False), (["false"], False), (["0"], False), (["true"], True), ([""], True), (["no"], True), (["1"], True)],
)
def test_booleans(values, meant):
    assert boolean({"x": values} if values else {}, "x") is meant


@pytest.mark.parametrize(
    ("query", "apply", "fields"),
    [
        ({}, True, ["fieldManager"]),
        ({"force": ["true"]}, False, ["force"]),
        ({"dryRun": ["all"]}, False, ["dryRun"]),
        ({"dryRun": ["All", ""]}, False, ["dryRun"]),
        ({"fieldValidation": ["strict"]}, False, ["fieldValidation"]),
        ({"fieldManager": ["m" * 129]}, False, ["fieldManager"]),
        ({"fieldManager": ["a\nb"]}, False, ["fieldManager"]),
        ({"force": ["1"], "dryRun": ["x"], "fieldValidation": ["y"]}, False, ["force", "dryRun", "fieldValidation"]),
    ],
)
def test_writes_that_are_invalid(query, apply, fields):
    refused = refusal(write_options, query, "PatchOptions", apply)
    assert (refused.code, [cause["field"] for cause in refused.details["causes"]]) == (422, fields)
    assert refused.message.startswith('PatchOptions.meta.k8s.io "" is invalid: ')


@pytest.mark.parametrize(
    ("query", "body", "expected"),
    [
        ({}, None, DeleteOptions()),
        ({"propagationPolicy": ["Orphan"]}, None, DeleteOptions(policy="Orphan")),
        ({"orphanDependents": ["true"]}, None, DeleteOptions(policy="Orphan")),
        ({"orphanDependents": ["false"]}, None, DeleteOptions(policy="Background")),
        ({"gracePeriodSeconds": ["3"]}, None, DeleteOptions(grace=3)),
        ({"dryRun": ["All"]}, None, DeleteOptions(dry_run=True)),
        ({"propagationPolicy": ["Orphan"]}, {}, DeleteOptions()),
        ({}, {"preconditions": {"uid": "u", "resourceVersion": "5"}}, DeleteOptions(uid="u", resource_version="5")),
        ({}, {"gracePeriodSeconds": 0, "dryRun": ["All"]}, DeleteOptions(dry_run=True, grace=0)),
    ],
)
def test_deletions(query, body, expected):
    assert delete_options(query, body) == expected


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"propagationPolicy": "Never"}, "propagationPolicy"),
        ({"propagationPolicy": "Orphan", "orphanDependents": True}, "propagationPolicy"),
        ({"dryRun": ["Some"]}, "dryRun"),
    ],
)
def test_deletions_that_are_invalid(body, field):
    refused = refusal(delete_options, {}, body)
    assert (refused.code, [cause["field"] for cause in refused.details["causes"]]) == (422, [field])
