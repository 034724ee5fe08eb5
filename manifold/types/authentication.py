"""Reviews of who somebody is, and the request for a token (Kubernetes API reference, group authentication.k8s.io).

TokenRequest is a body of the `token` subresource of service accounts and no resource of its own, so it is not among
`TYPES`.
"""

from __future__ import annotations

from manifold.base.errors import bad_request
from manifold.base.fields import FieldError, Path, invalid
from manifold.types.declaring import CREATE_ONLY, built_in
from manifold.types.resource import Object
from manifold.types.reviews import review
from manifold.types.strategies import PlainStrategy

GROUP = "authentication.k8s.io"
DEFAULT_SECONDS = 3600
SHORTEST_SECONDS = 600
LONGEST_SECONDS = 1 << 32

_SECONDS = Path("spec.expirationSeconds")


class TokenReviewStrategy(PlainStrategy):
    """A token must be there."""

    __slots__ = ()

    def validate_create(self, new: Object) -> list[FieldError]:
        """Raises the 400 of a review without a token."""
        if not (new.get("spec") or {}).get("token"):
            raise bad_request("token is required for TokenReview in authentication")
        return []


class TokenRequestStrategy(PlainStrategy):
    """A token lives an hour unless said, and at least ten minutes."""

    __slots__ = ()

    def default(self, new: Object) -> None:
        """Fill in how long the token is to live."""
        spec = new.setdefault("spec", {})
        if spec.get("expirationSeconds") is None:
            spec["expirationSeconds"] = DEFAULT_SECONDS

    def validate_create(self, new: Object) -> list[FieldError]:
        """What is wrong with the duration."""
        seconds = new["spec"]["expirationSeconds"]
        if seconds < SHORTEST_SECONDS:
            return [invalid(_SECONDS, seconds, "may not specify a duration less than 10 minutes")]
        if seconds > LONGEST_SECONDS:
            return [invalid(_SECONDS, seconds, "may not specify a duration larger than 2^32 seconds")]
        return []


SELF_SUBJECT_REVIEWS = review(GROUP, "selfsubjectreviews", "SelfSubjectReview", PlainStrategy())
TOKEN_REVIEWS = review(GROUP, "tokenreviews", "TokenReview", TokenReviewStrategy())
TOKEN_REQUEST = built_in(
    GROUP,
    "v1",
    "tokenrequests",
    "TokenRequest",
    TokenRequestStrategy(),
    namespaced=True,
    verbs=CREATE_ONLY,
    storageless=True,
)
"""The body of `serviceaccounts/token`."""

TYPES = (SELF_SUBJECT_REVIEWS, TOKEN_REVIEWS)
