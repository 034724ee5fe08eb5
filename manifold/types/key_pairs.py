"""Whether a certificate and a private key in PEM belong together, in the words of Go's TLS library.

Kubernetes warns (and no more) when a TLS secret does not hold a usable pair. PEM blocks are found by hand, because what
is between them may be anything (RFC 7468, section 5.2); what is in them is cryptography's business.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

_BEGIN = b"-----BEGIN "
_END = b"-----END "
_DASHES = b"-----"


@dataclass(frozen=True, slots=True)
class Block:
    """One PEM block: its label, whether it has headers, its content in DER, and where it ends in the text."""

    label: str
    headers: bool
    content: bytes
    end: int


def next_block(text: bytes, start: int = 0) -> Block | None:
    """The next well-formed PEM block that begins a line at or behind `start`, or None, in time linear in the text."""
    while (begin := text.find(_BEGIN, start)) >= 0:
        line_end = text.find(b"\n", begin)
        if line_end < 0:
            return None
        opening = text[begin + len(_BEGIN) : line_end].rstrip()
        start = line_end
        if (begin and text[begin - 1 : begin] != b"\n") or not opening.endswith(_DASHES):
            continue
        end = text.find(_END, line_end)
        if end < 0:
            return None
        # Whatever is wrong with a block, the search goes on behind its end, so nothing is looked at twice.
        last = text.find(b"\n", end)
        start = last if last >= 0 else len(text)
        if text[end + len(_END) : start].rstrip() != opening or text[end - 1 : end] != b"\n":
            continue
        lines = text[line_end + 1 : end].splitlines()
        headers = 0
        while headers < len(lines) and b":" in lines[headers]:
            headers += 1
        try:
            content = base64.b64decode(b"".join(line.strip() for line in lines[headers:]), validate=True)
        except binascii.Error:
            continue
        return Block(opening[: -len(_DASHES)].decode(errors="replace"), headers > 0, content, start)
    return None


def _find(text: bytes, wanted: str, what: str) -> tuple[Block | None, str]:
    """The first block whose label is or ends with `wanted`, or the words for why there is none."""
    skipped: list[str] = []
    position = 0
    while (block := next_block(text, position)) is not None:
        if block.label == wanted or (what == "key" and block.label.endswith(" " + wanted)):
            return block, ""
        skipped.append(block.label)
        position = block.end
    if not skipped:
        return None, f"tls: failed to find any PEM data in {what} input"
    if what == "key" and skipped[0] == "CERTIFICATE":
        return None, "tls: found a certificate rather than a key in the PEM for the private key"
    if what == "certificate" and len(skipped) == 1 and skipped[0].endswith("PRIVATE KEY"):
        return None, (
            "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may "
            "have been switched"
        )
    listed = " ".join(skipped)
    if what == "certificate":
        return None, (
            'tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the '
            f"following types: [{listed}]"
        )
    return None, (
        'tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the '
        f"following types: [{listed}]"
    )


def pair_error(certificate: bytes, key: bytes) -> str:
    """Why the two (PEM) are no pair, empty where they are."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_der_private_key,
        load_pem_private_key,
    )

    leaf, problem = _find(certificate, "CERTIFICATE", "certificate")
    if leaf is None:
        return problem
    private, problem = _find(key, "PRIVATE KEY", "key")
    if private is None:
        return problem
    try:
        public = x509.load_der_x509_certificate(leaf.content).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "x509: malformed certificate"
    try:
        # PKCS #1 and SEC 1 keys are told apart by their label, which only the PEM loader looks at.
        if private.label == "PRIVATE KEY":
            own = load_der_private_key(private.content, None).public_key()
        else:
            own = load_pem_private_key(key, None).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "tls: failed to parse private key"
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if type(public) is not type(own):
        return "tls: private key type does not match public key type"
    return "" if public.public_bytes(*form) == own.public_bytes(*form) else "tls: private key does not match public key"
