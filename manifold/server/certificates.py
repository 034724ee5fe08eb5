"""The server's own CA and serving certificate: clients trust the CA once, the certificate is renewed under it.

Guarantees: a CA of ten years (`ca.crt`, `ca.key`) and a serving certificate of one year (`apiserver.crt` with the CA
behind it, `apiserver.key`), both P-256, lie in the certificate directory; keys with mode 0600. The serving
certificate is issued anew when it lacks a name, comes from another CA, or has less than a month left; the CA only
when it could not outlive a serving certificate. kcp's clients trust the certificate itself (section 1.2 of the
tenancy reference) and break at every renewal; with a CA that lasts they do not.

Reading a certificate needs `cryptography`, which costs a tenth of the start-up target. So what was issued is noted in
`apiserver.json` with the digests of the files it describes; while these match nothing has to be parsed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from manifold.server import files
from manifold.server.files import FileError

DAY = 86400
AUTHORITY_LIFETIME = 3650 * DAY
SERVING_LIFETIME = 365 * DAY
RENEW_BEFORE = 30 * DAY
_FILES = ("ca.crt", "ca.key", "apiserver.crt", "apiserver.key", "apiserver.json")
_SKEW = 3600  # certificates are valid an hour back, for clients whose clock is behind


@dataclass(frozen=True, slots=True)
class Certificates:
    """Paths of the PEM files to serve with, and `authority`, the PEM certificates clients shall trust.

    `issued` says whether the serving certificate was made by this call; `expires` is in seconds since the epoch.
    """

    chain: Path
    key: Path
    authority: bytes
    issued: bool
    expires: float


def ensure(directory: Path, names: Sequence[str], now: float) -> Certificates:
    """Make sure `directory` holds a certificate for `names` (host names and IP addresses) that is good at `now`.

    Raises FileError where a file is there and cannot be used.
    """
    wanted = sorted(set(names))
    paths = {name: directory / name for name in _FILES}
    content = {name: files.read(path) for name, path in paths.items()}
    authority, authority_key = content["ca.crt"], content["ca.key"]
    chain, key = content["apiserver.crt"], content["apiserver.key"]

    if authority is not None and chain is not None and key is not None:
        note = _read_note(content["apiserver.json"])
        if note is None or note.chain != _digest(chain) or note.authority != _digest(authority):
            note = _inspect(chain, key, authority)
        if note is not None and note.names.issuperset(wanted) and now + RENEW_BEFORE < note.expires:
            return Certificates(paths["apiserver.crt"], paths["apiserver.key"], authority, False, note.expires)
    return _renew(paths, authority, authority_key, wanted, now)


def _renew(
    paths: dict[str, Path], authority: bytes | None, authority_key: bytes | None, names: list[str], now: float
) -> Certificates:
    from manifold.server import issuing

    if (authority is None) != (authority_key is None):
        there, gone = ("ca.crt", "ca.key") if authority_key is None else ("ca.key", "ca.crt")
        raise FileError(
            f"{paths[there]} is there without {paths[gone]}, so no serving certificate can be issued; restore it, or "
            f"remove {paths[there]} to make a new CA"
        )
    issuer = None
    if authority is not None and authority_key is not None:
        try:
            issuer = issuing.authority(authority, authority_key)
        except ValueError as error:
            raise FileError(
                f"{paths['ca.crt']} and {paths['ca.key']} are no CA to issue with: {error}; restore them, or remove "
                "both to make a new one"
            ) from None
        if issuer.expires < now + SERVING_LIFETIME:
            issuer = None
    if issuer is None:
        issuer = issuing.new_authority(now - _SKEW, now + AUTHORITY_LIFETIME)
        files.write(paths["ca.key"], issuer.key_pem, 0o600)
        files.write(paths["ca.crt"], issuer.certificate_pem, 0o644)
    certificate, key = issuing.serving(issuer, names, now - _SKEW, now + SERVING_LIFETIME)
    chain = certificate + issuer.certificate_pem
    note = {
        "authority": _digest(issuer.certificate_pem),
        "chain": _digest(chain),
        "expires": int(now + SERVING_LIFETIME),
        "names": names,
    }
    # The key goes first: a start that dies before the certificate follows finds a pair that does not match, and renews.
    files.write(paths["apiserver.key"], key, 0o600)
    files.write(paths["apiserver.crt"], chain, 0o644)
    files.write(paths["apiserver.json"], orjson.dumps(note, option=orjson.OPT_INDENT_2) + b"\n", 0o644)
    expires = float(now + SERVING_LIFETIME)
    return Certificates(paths["apiserver.crt"], paths["apiserver.key"], issuer.certificate_pem, True, expires)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class _Note:
    """What is known of a serving certificate without parsing it: digests of the files it describes, expiry, names."""

    chain: str
    authority: str
    expires: float
    names: frozenset[str]


def _read_note(content: bytes | None) -> _Note | None:
    """The note as it was written, None where there is none that can be used."""
    if content is None:
        return None
    try:
        found = orjson.loads(content)
        return _Note(str(found["chain"]), str(found["authority"]), float(found["expires"]), frozenset(found["names"]))
    except (ValueError, TypeError, KeyError):
        return None


def _inspect(chain: bytes, key: bytes, authority: bytes) -> _Note | None:
    """The same from the files themselves; None where the certificate is not ours to serve with any longer."""
    from manifold.server import issuing

    try:
        expires, names = issuing.inspect(chain, key, authority)
    except ValueError:
        return None
    return _Note(_digest(chain), _digest(authority), expires, names)
