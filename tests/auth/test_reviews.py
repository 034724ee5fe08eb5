"""Reviews and token requests: shapes, texts and limits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from auth_world import ACCESS, World, someone

from manifold.auth.authentication.authenticator import Authentication
from manifold.auth.authentication.service_accounts import ServiceAccounts, TokenIssuer, unverified_claims
from manifold.auth.authentication.signing import SigningKeys, generate_key
from manifold.auth.authentication.static import StaticTokens
from manifold.auth.reviews import (
    answer_local_subject_access_review,
    answer_self_subject_access_review,
    answer_self_subject_review,
    answer_self_subject_rules_review,
    answer_subject_access_review,
    answer_token_review,
)
from manifold.auth.token_requests import answer_token_request
from manifold.base.errors import StatusError
from manifold.base.keys import ObjectKey
from manifold.base.user import User

NOW = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
USER = someone("user")
KEY = generate_key()


def review(kind: str, group: str = "authorization.k8s.io", **spec: Any) -> dict[str, Any]:
    return {"kind": kind, "apiVersion": f"{group}/v1", "metadata": {}, "spec": spec}


async def settled(world: World) -> None:
    await world.cluster("w")
    await world.role("w", "acc", ACCESS)
    await world.bind("w", "acc", "acc", "User user")


async def test_subject_access_reviews(world: World) -> None:
    await settled(world)
    asked = {"verb": "get", "resource": "configmaps", "namespace": "w"}
    obj = review("SubjectAccessReview", user="x", groups=["system:masters"], resourceAttributes=asked)
    answer = await answer_subject_access_review(obj, "w", world.chain)
    assert answer == {**obj, "status": {"allowed": True}}
    assert list(answer) == ["kind", "apiVersion", "metadata", "spec", "status"]
    obj = review("SubjectAccessReview", user="bob", resourceAttributes=asked)
    answer = await answer_subject_access_review(obj, "w", world.chain)
    assert answer["status"] == {"allowed": False, "reason": "access denied"}
    path = {"verb": "get", "path": "/version"}
    obj = review("SubjectAccessReview", user="user", groups=["system:authenticated"], nonResourceAttributes=path)
    answer = await answer_subject_access_review(obj, "w", world.chain)
    binding = 'ClusterRoleBinding "system:public-info-viewer" of ClusterRole "system:public-info-viewer"'
    assert answer["status"]["allowed"] is True
    assert answer["status"]["reason"] in (
        f'RBAC: allowed by {binding} to Group "system:authenticated"',
        'RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery" '
        'to Group "system:authenticated"',
    )


async def test_a_deep_review_does_not_enter(world: World) -> None:
    await world.cluster("w")
    obj = review(
        "SubjectAccessReview",
        user="u",
        groups=["system:authenticated"],
        nonResourceAttributes={"verb": "get", "path": "/apis"},
    )
    assert not (await answer_subject_access_review(obj, "w", world.chain))["status"]["allowed"]
    assert (await answer_subject_access_review(obj, "w", world.chain, deep=True))["status"]["allowed"]


async def test_a_local_service_account_is_named_without_a_home(world: World) -> None:
    await settled(world)
    await world.bind("w", "sa", "cluster-admin", "ServiceAccount ns/a")
    asked = {"verb": "get", "resource": "secrets", "namespace": "ns"}
    obj = review("SubjectAccessReview", user="system:serviceaccount:ns:a", resourceAttributes=asked)
    assert (await answer_subject_access_review(obj, "w", world.chain))["status"]["allowed"]
    obj["spec"]["extra"] = {"authentication.kcp.io/cluster-name": ["other"]}
    assert not (await answer_subject_access_review(obj, "w", world.chain))["status"]["allowed"]


EITHER = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
INVALID = [
    (
        {},
        f'[spec.resourceAttributes: Invalid value: null: {EITHER}, spec.user: Invalid value: "": at least one of '
        "user or group must be specified]",
        ["spec.resourceAttributes", "spec.user"],
    ),
    (
        {"user": "x", "resourceAttributes": {"verb": "get"}, "nonResourceAttributes": {"verb": "get", "path": "/"}},
        'spec.nonResourceAttributes: Invalid value: {"Path":"/","Verb":"get"}: cannot be specified in combination with '
        "resourceAttributes",
        ["spec.nonResourceAttributes"],
    ),
    (
        {"user": "x", "resourceAttributes": {"verb": "get", "fieldSelector": {}}},
        "spec.resourceAttributes.fieldSelector.requirements: Required value: when "
        "spec.resourceAttributes.fieldSelector is specified, requirements or rawSelector is required",
        ["spec.resourceAttributes.fieldSelector.requirements"],
    ),
]


@pytest.mark.parametrize(("spec", "text", "causes"), INVALID)
async def test_questions_that_are_none(world: World, spec: dict[str, Any], text: str, causes: list[str]) -> None:
    with pytest.raises(StatusError) as raised:
        await answer_subject_access_review(review("SubjectAccessReview", **spec), "w", world.chain)
    status = raised.value.status()
    assert status["message"] == f'.authorization.k8s.io "" is invalid: {text}'
    assert (status["reason"], status["code"]) == ("Invalid", 422)
    assert status["details"]["group"] == "authorization.k8s.io"
    assert "kind" not in status["details"]
    assert [cause["field"] for cause in status["details"]["causes"]] == causes


async def test_local_reviews(world: World) -> None:
    await settled(world)
    asked = {"verb": "get", "resource": "configmaps", "namespace": "w"}
    obj = review("LocalSubjectAccessReview", user="bob", resourceAttributes=asked)
    obj["metadata"] = {"namespace": "w"}
    answer = await answer_local_subject_access_review(obj, "w", "w", world.chain)
    assert answer["status"] == {"allowed": False, "reason": "access denied"}
    with pytest.raises(StatusError) as raised:
        await answer_local_subject_access_review(obj, "w", "g", world.chain)
    assert raised.value.message == (
        '.authorization.k8s.io "" is invalid: spec.resourceAttributes.namespace: Invalid value: "w": '
        "must match metadata.namespace"
    )


async def test_self_reviews(world: World) -> None:
    await settled(world)
    obj = review("SelfSubjectAccessReview", resourceAttributes={"verb": "list", "resource": "namespaces"})
    answer = await answer_self_subject_access_review(obj, USER, "w", world.chain)
    assert answer == {**obj, "status": {"allowed": False, "reason": "access denied"}}
    admin = someone("kcp-admin", "system:kcp:admin")
    obj = review("SelfSubjectAccessReview", resourceAttributes={"verb": "*", "resource": "*"})
    assert (await answer_self_subject_access_review(obj, admin, "w", world.chain))["status"]["allowed"]

    obj = {"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"}
    user = User("bob", "u1", ("a", "system:authenticated"), {"scopes": ("x",)})
    assert await answer_self_subject_review(obj, user, NOW) == {
        "kind": "SelfSubjectReview",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"creationTimestamp": "2027-01-02T03:04:05Z"},
        "status": {
            "userInfo": {
                "username": "bob",
                "uid": "u1",
                "groups": ["a", "system:authenticated"],
                "extra": {"scopes": ["x"]},
            }
        },
    }


async def test_rules_reviews(world: World) -> None:
    await settled(world)
    obj = review("SelfSubjectRulesReview", namespace="default")
    answer = await answer_self_subject_rules_review(obj, USER, "w", world.chain)
    assert answer["spec"] == {}
    assert answer["status"]["resourceRules"] == [
        {
            "verbs": ["create"],
            "apiGroups": ["authorization.k8s.io"],
            "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
        },
        {"verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"]},
    ]
    assert answer["status"]["nonResourceRules"][-1] == {"verbs": ["access"], "nonResourceURLs": ["/"]}
    assert answer["status"]["incomplete"] is False
    with pytest.raises(StatusError, match="no namespace on request"):
        await answer_self_subject_rules_review(review("SelfSubjectRulesReview"), USER, "w", world.chain)


ACCOUNT = {"metadata": {"name": "sat", "namespace": "w", "uid": "u-1"}}


class Tokens:
    def __init__(self, world: World) -> None:
        self.world = world
        self.issuer = TokenIssuer(SigningKeys([KEY]))
        accounts = ServiceAccounts(world.store, self.issuer)
        self.authentication = Authentication(
            StaticTokens({"static": someone("s")}), accounts, clock=lambda: NOW.timestamp()
        )

    async def request(self, **spec: Any) -> dict[str, Any]:
        obj = review("TokenRequest", "authentication.k8s.io", **spec)
        snapshot = await self.world.store.snapshot()
        return await answer_token_request(obj, ACCOUNT, "c1", self.issuer, snapshot, NOW.timestamp())

    async def review(self, **spec: Any) -> dict[str, Any]:
        obj = review("TokenReview", "authentication.k8s.io", **spec)
        answer = await answer_token_review(obj, self.authentication)
        assert answer["spec"] == spec
        status: dict[str, Any] = answer["status"]
        return status


async def test_token_requests(world: World) -> None:
    tokens = Tokens(world)
    answer = await tokens.request()
    token = answer["status"].pop("token")
    assert answer == {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"name": "sat", "namespace": "w", "uid": "u-1", "creationTimestamp": "2027-01-02T03:04:05Z"},
        "spec": {"audiences": ["https://kcp.default.svc"], "expirationSeconds": 3600, "boundObjectRef": None},
        "status": {"expirationTimestamp": "2027-01-02T04:04:05Z"},
    }
    claims = unverified_claims(token)
    assert claims is not None
    assert claims["sub"] == "system:serviceaccount:w:sat"
    answer = await tokens.request(audiences=["a", "b"], expirationSeconds=600)
    claims = unverified_claims(answer["status"]["token"])
    assert claims is not None
    assert (claims["aud"], claims["exp"] - claims["iat"]) == (["a", "b"], 600)


REFUSED = [
    (
        {"expirationSeconds": 60},
        422,
        'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 60: may not '
        "specify a duration less than 10 minutes",
    ),
    (
        {"expirationSeconds": 8589934592},
        422,
        'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 8589934592: may not '
        "specify a duration larger than 2^32 seconds",
    ),
    ({"boundObjectRef": {"kind": "Secret", "apiVersion": "v1", "name": "absent"}}, 404, 'secrets "absent" not found'),
    ({"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "p"}}, 404, 'pods "p" not found'),
    (
        {"boundObjectRef": {"kind": "ConfigMap", "apiVersion": "v1", "name": "absent"}},
        400,
        "cannot bind token to object of type /v1, Kind=ConfigMap",
    ),
    (
        {"boundObjectRef": {"kind": "Secret", "apiVersion": "x.io/v1", "name": "absent"}},
        400,
        "cannot bind token to object of type x.io/v1, Kind=Secret",
    ),
]


@pytest.mark.parametrize(("spec", "code", "message"), REFUSED)
async def test_token_requests_that_are_refused(world: World, spec: dict[str, Any], code: int, message: str) -> None:
    with pytest.raises(StatusError) as raised:
        await Tokens(world).request(**spec)
    assert (raised.value.code, raised.value.message) == (code, message)


async def test_tokens_bound_to_a_secret(world: World) -> None:
    tokens = Tokens(world)
    await world.put(ObjectKey("", "secrets", "", "c1", "w", "s"), {"metadata": {"uid": "s-1"}})
    reference = {"kind": "Secret", "apiVersion": "v1", "name": "s"}
    answer = await tokens.request(boundObjectRef=reference)
    claims = unverified_claims(answer["status"]["token"])
    assert claims is not None
    assert claims["kubernetes.io"]["secret"] == {"name": "s", "uid": "s-1"}
    with pytest.raises(StatusError) as raised:
        await tokens.request(boundObjectRef={**reference, "uid": "other"})
    assert raised.value.code == 409


async def test_token_reviews(world: World) -> None:
    tokens = Tokens(world)
    await world.cluster("c1")
    await world.put(ObjectKey("", "serviceaccounts", "", "c1", "w", "sat"), {"metadata": {"uid": "u-1"}})
    assert await tokens.review(token="nonsense") == {"user": {}, "error": "invalid bearer token"}
    assert await tokens.review(token="static") == {
        "authenticated": True,
        "user": {"username": "s", "groups": ["system:authenticated"]},
        "audiences": ["https://kcp.default.svc"],
    }
    assert await tokens.review(token="static", audiences=["zzz"]) == {"user": {}, "error": "invalid bearer token"}
    token = (await tokens.request())["status"]["token"]
    status = await tokens.review(token=token)
    assert status["authenticated"] is True
    assert status["user"]["uid"] == "u-1"
    assert status["audiences"] == ["https://kcp.default.svc"]
    assert (await tokens.review(token=token, audiences=["zzz"]))["error"].startswith(
        "[invalid bearer token, token audiences"
    )
    with pytest.raises(StatusError, match="token is required for TokenReview in authentication"):
        await tokens.review()
