"""The keys service account tokens are signed with, and the documents that publish them (OpenID Connect Discovery 1.0).

New keys are P-256 and sign with ES256; an RSA key that was given is used with RS256, so that a server can take over
existing tokens. Importing the libraries costs more than a start should, so keys are parsed on first use.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, RSAKey

ISSUER = "https://kcp.default.svc"

_GENERATED_LINES = b"-----BEGIN PRIVATE KEY----- -----END PRIVATE KEY-----".split()
# PKCS 8 (RFC 5208) of a P-256 key: version, algorithm and curve, and where the key of 32 bytes begins (RFC 5915).
_GENERATED_HEAD = bytes.fromhex("308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420")
_GENERATED_LENGTH = 138


class UnusableKey(ValueError):
    """A key file holds no key that can be used here."""


class InvalidSignature(Exception):
    """No key of ours has signed the token."""


def generate_key() -> bytes:
    """A new private key in PEM (PKCS 8)."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def is_generated(pem: bytes) -> bool:
    """Whether `pem` has the form of what `generate_key` makes, which is of one length and begins with one head.

    Needs no library: files that have it are taken as they are, others are worth a closer look.
    """
    lines = pem.split()
    if lines[:3] != _GENERATED_LINES[:3] or lines[-3:] != _GENERATED_LINES[3:]:
        return False
    try:
        key = b64decode(b"".join(lines[3:-3]), validate=True)
    except ValueError:
        return False
    return len(key) == _GENERATED_LENGTH and key.startswith(_GENERATED_HEAD)


def _parse(pem: bytes) -> tuple[ECKey | RSAKey, str]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from joserfc.jwk import ECKey, RSAKey

    try:
        key: object
        if b"PRIVATE KEY" in pem:
            key = serialization.load_pem_private_key(pem, None)
        else:
            key = serialization.load_pem_public_key(pem)
    except (ValueError, TypeError) as error:
        raise UnusableKey("not a private or public key in PEM without a password") from error
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        if not isinstance(key.curve, ec.SECP256R1):
            raise UnusableKey("elliptic curve keys must be on the curve P-256")
        return ECKey.import_key(pem), "ES256"
    if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        if key.key_size < 2048:
            raise UnusableKey("RSA keys must have at least 2048 bits")
        return RSAKey.import_key(pem), "RS256"
    raise UnusableKey("keys must be P-256 or RSA")


class SigningKeys:
    """Keys in PEM: the first, which is private, signs; all of them verify."""

    def __init__(self, pems: Sequence[bytes]) -> None:
        self._pems = tuple(pems)

    @cached_property
    def _keys(self) -> Mapping[str, tuple[ECKey | RSAKey, str]]:
        keys: dict[str, tuple[ECKey | RSAKey, str]] = {}
        for pem in self._pems:
            key, algorithm = _parse(pem)
            keys.setdefault(key.thumbprint(), (key, algorithm))
        return keys

    def check(self) -> None:
        """Raise UnusableKey where a key is no good, or the first cannot sign."""
        if not self._keys or not next(iter(self._keys.values()))[0].is_private:
            raise UnusableKey("the first key must be a private key")

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A JWT (RFC 7519) with these claims."""
        from joserfc import jws

        kid, (key, algorithm) = next(iter(self._keys.items()))
        header = {"alg": algorithm, "kid": kid}
        return jws.serialize_compact(header, orjson.dumps(claims), key, algorithms=[algorithm])

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a token one of the keys has signed. Raises InvalidSignature."""
        from joserfc import jws
        from joserfc.errors import JoseError

        try:
            unverified = jws.extract_compact(token.encode("ascii"))
            kid = unverified.headers().get("kid")
            candidates = [self._keys[kid]] if isinstance(kid, str) and kid in self._keys else list(self._keys.values())
        except (JoseError, ValueError, TypeError) as error:
            raise InvalidSignature from error
        for key, algorithm in candidates:
            try:
                payload = jws.deserialize_compact(token, key, algorithms=[algorithm]).payload
                claims = orjson.loads(payload or b"")
            except (JoseError, ValueError, TypeError):
                continue
            if isinstance(claims, dict):
                return claims
        raise InvalidSignature

    def jwks(self) -> dict[str, Any]:
        """The JSON Web Key Set (RFC 7517) of the public keys: the document at `/openid/v1/jwks`."""
        return {
            "keys": [
                {"use": "sig", "kid": kid, "alg": algorithm, **key.as_dict(private=False)}
                for kid, (key, algorithm) in self._keys.items()
            ]
        }

    def discovery(self, jwks_uri: str, issuer: str = ISSUER) -> dict[str, Any]:
        """The document at `/.well-known/openid-configuration`."""
        return {
            "issuer": issuer,
            "jwks_uri": jwks_uri,
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": sorted({algorithm for _, algorithm in self._keys.values()}),
        }


def fingerprint(data: bytes) -> bytes:
    """What is kept of a token that is compared with a stored copy."""
    return sha256(data).digest()
