"""Reviews and token requests: questions that are answered and not kept, and wrong ones."""

from __future__ import annotations

import pytest
from type_writes import refused

from manifold.base.errors import StatusError, invalid
from manifold.types.authentication import TOKEN_REQUEST, TOKEN_REVIEWS
from manifold.types.authorization import (
    LOCAL_SUBJECT_ACCESS_REVIEWS,
    SELF_SUBJECT_ACCESS_REVIEWS,
    SELF_SUBJECT_RULES_REVIEWS,
    SUBJECT_ACCESS_REVIEWS,
)
from manifold.types.resource import Object, ResourceType


@pytest.mark.parametrize(
    ("kind", "review", "errors"),
    [
        (SUBJECT_ACCESS_REVIEWS, {"spec": {"user": "u", "resourceAttributes": {}}}, []),
        (SUBJECT_ACCESS_REVIEWS, {"spec": {"groups": ["g"], "nonResourceAttributes": {"path": "/"}}}, []),
        (
            SUBJECT_ACCESS_REVIEWS,
            {"metadata": {"name": "x"}, "spec": {"user": "u", "resourceAttributes": {}}},
            ['metadata: Invalid value: {"name":"x"}: must be empty'],
        ),
        (SELF_SUBJECT_ACCESS_REVIEWS, {"spec": {"resourceAttributes": {"verb": "get"}}}, []),
        (
            SELF_SUBJECT_ACCESS_REVIEWS,
            {"spec": {}},
            [
                "spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or "
                "resourceAttributes "
                "must be specified"
            ],
        ),
        (
            SELF_SUBJECT_ACCESS_REVIEWS,
            {
                "spec": {
                    "resourceAttributes": {"labelSelector": {}, "fieldSelector": {"requirements": [{"operator": "In"}]}}
                }
            },
            [
                "spec.resourceAttributes.fieldSelector.requirements[0].key: Required value: must be specified",
                "spec.resourceAttributes.fieldSelector.requirements[0].values: Required value: must be specified when "
                "`operator` is 'In' or 'NotIn'",
                "spec.resourceAttributes.labelSelector.requirements: Required value: when "
                "spec.resourceAttributes.labelSelector is specified, requirements or rawSelector is required",
            ],
        ),
        (
            LOCAL_SUBJECT_ACCESS_REVIEWS,
            {"metadata": {"namespace": "w"}, "spec": {"user": "u", "resourceAttributes": {"namespace": "g"}}},
            ['spec.resourceAttributes.namespace: Invalid value: "g": must match metadata.namespace'],
        ),
        (
            LOCAL_SUBJECT_ACCESS_REVIEWS,
            {
                "metadata": {"namespace": "w"},
                "spec": {"user": "u", "nonResourceAttributes": {"path": "/", "verb": "get"}},
            },
            [
                'spec.nonResourceAttributes: Invalid value: {"Path":"/","Verb":"get"}: disallowed on this kind of '
                "request"
            ],
        ),
    ],
)
def test_reviews(kind: ResourceType, review: Object, errors: list[str]) -> None:
    review.setdefault("metadata", {})
    assert refused(kind, review) == errors


def test_reviews_that_ask_nothing() -> None:
    with pytest.raises(StatusError, match="token is required for TokenReview in authentication"):
        refused(TOKEN_REVIEWS, {"spec": {}})
    with pytest.raises(StatusError, match="no namespace on request"):
        refused(SELF_SUBJECT_RULES_REVIEWS, {"spec": {}})


def test_refusals_of_authorization_reviews_name_no_kind() -> None:
    errors = SUBJECT_ACCESS_REVIEWS.strategy.validate_create({"spec": {}})
    status = invalid(*SUBJECT_ACCESS_REVIEWS.named_in_refusals, "", errors).status()
    assert status["message"].startswith('.authorization.k8s.io "" is invalid: [')


def test_token_requests() -> None:
    wanted: Object = {"metadata": {}, "spec": {"audiences": ["a"]}}
    assert refused(TOKEN_REQUEST, wanted) == []
    assert wanted["spec"] == {"audiences": ["a"], "expirationSeconds": 3600, "boundObjectRef": None}
    assert refused(TOKEN_REQUEST, {"spec": {"expirationSeconds": 599}}) == [
        "spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes"
    ]
    assert refused(TOKEN_REQUEST, {"spec": {"expirationSeconds": (1 << 32) + 1}}) == [
        "spec.expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds"
    ]
