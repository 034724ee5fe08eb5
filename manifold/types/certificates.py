"""Certificate signing requests: who asks whom to sign what, and what became of it.

The request itself cannot be changed. Approving it and answering it are writes of two subresources, `approval` and
`status`, so that the right to do one does not bring the right to do the other. (Kubernetes API reference,
CertificateSigningRequest v1; RFC 7468 and RFC 2986 for what is in it.) cryptography is loaded when the first request is
looked at.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from manifold.base import clock, names
from manifold.base.fields import (
    FieldError,
    Path,
    duplicate,
    forbidden,
    invalid,
    not_supported,
    quote,
    required,
    too_long,
)
from manifold.base.user import User
from manifold.types.declaring import AGE, NAME, built_in
from manifold.types.key_pairs import next_block
from manifold.types.resource import Column, Object
from manifold.types.strategies import StatusStrategy, StatusSubresource, keep

APPROVED = "Approved"
DENIED = "Denied"
FAILED = "Failed"
LEGACY_SIGNER = "kubernetes.io/legacy-unknown"
SHORTEST = 600
"""The shortest validity that may be asked for, in seconds."""
USAGES = (
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
)

_KNOWN_USAGES = frozenset(USAGES)
_ALWAYS_TRUE = frozenset((APPROVED, DENIED, FAILED))
_SPEC = Path("spec")
_CONDITIONS = Path("status.conditions")
_CERTIFICATE = Path("status.certificate")
_REQUESTER = ("username", "uid", "groups", "extra")
_LONGEST_SIGNER = names.SUBDOMAIN_LIMIT + 1 + names.SUBDOMAIN_LIMIT + names.LABEL_LIMIT + 1


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text or "", validate=True)
    except binascii.Error:  # the codec lets none through
        return b""


def request_error(encoded: str) -> str:
    """Why a `spec.request` (base64 of PEM) is no certificate request; empty where it is one."""
    block = next_block(_decoded(encoded))
    if block is None or block.label != "CERTIFICATE REQUEST":
        return "PEM block type must be CERTIFICATE REQUEST"
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        x509.load_der_x509_csr(block.content)
    except (ValueError, UnsupportedAlgorithm):
        return "asn1: structure error: malformed certificate request"
    return ""


def certificate_error(encoded: str) -> str:
    """Why a `status.certificate` (base64 of PEM) is no chain of certificates; empty where it is one, or is absent."""
    if not encoded:
        return ""
    from cryptography import x509

    text = _decoded(encoded)
    position = 0
    while (block := next_block(text, position)) is not None:
        if block.label != "CERTIFICATE":
            return f"only CERTIFICATE PEM blocks are allowed, found {quote(block.label)}"
        if block.headers:
            return "no PEM block headers are permitted"
        try:
            x509.load_der_x509_certificate(block.content)
        except ValueError:
            return "x509: malformed certificate"
        position = block.end
    return "" if position else "must contain at least one CERTIFICATE PEM block"


def validate_signer_name(signer: str, path: Path) -> list[FieldError]:
    """What is wrong with a signer's name: a domain, a slash and a path of dotted names."""
    if not signer:
        return [required(path)]
    domain, slash, tail = signer.partition("/")
    if not slash or "/" in tail:
        text = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        return [invalid(path, signer, text)]
    errors: list[FieldError] = []
    if len(domain) > names.SUBDOMAIN_LIMIT:
        errors.append(too_long(path, names.SUBDOMAIN_LIMIT))
    labels = domain.split(".")
    errors.extend(_segment_errors(domain, labels, names.dns_label, path))
    if len(labels) < 2:
        errors.append(invalid(path, domain, "should be a domain with at least two segments separated by dots"))
    errors.extend(_segment_errors(tail, tail.split("."), names.dns_subdomain, path))
    if len(signer) > _LONGEST_SIGNER:
        errors.append(too_long(path, _LONGEST_SIGNER))
    return errors


def _segment_errors(
    whole: str, labels: Sequence[str], check: Callable[[str], list[str]], path: Path
) -> list[FieldError]:
    """What is wrong with the first bad label of a signer's domain or path."""
    for label in labels:
        if texts := check(label):
            return [invalid(path, whole, f"validating label {quote(label)}: {text}") for text in texts]
    return []


def _conditions(obj: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return (obj.get("status") or {}).get("conditions") or ()


def _condition_errors(conditions: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for position, condition in enumerate(conditions):
        path = _CONDITIONS.at(position)
        kind, status = condition.get("type", ""), condition.get("status", "")
        allowed = ("True",) if kind in _ALWAYS_TRUE else ("False", "True", "Unknown")
        if not kind:
            errors.append(required(path.child("type")))
        if not status:
            errors.append(required(path.child("status")))
        elif status not in allowed:
            errors.append(not_supported(path.child("status"), status, allowed))
        if (kind == APPROVED and DENIED in seen) or (kind == DENIED and APPROVED in seen):
            errors.append(invalid(_CONDITIONS, kind, "Approved and Denied conditions are mutually exclusive"))
        if kind in seen:
            errors.append(duplicate(path.child("type"), kind))
        seen.add(kind)
    return errors


class SigningRequestStrategy(StatusStrategy):
    """A request that parses, known usages, a well-formed signer; nothing of the spec can be changed."""

    __slots__ = ()

    def prepare_create(self, new: Object) -> None:
        """A request starts without an answer, and who asks is not for the request to say."""
        super().prepare_create(new)
        spec = new.get("spec") or {}
        for field in _REQUESTER:
            spec.pop(field, None)

    def prepare_update(self, new: Object, old: Object) -> None:
        """Spec and status stay."""
        keep(new, old, "spec", "status")

    def validate(self, new: Object) -> list[FieldError]:
        """All that is wrong with spec and status."""
        spec = new.get("spec") or {}
        errors: list[FieldError] = []
        request = spec.get("request") or ""
        if problem := request_error(request):
            errors.append(invalid(_SPEC.child("request"), request, problem))
        usages = spec.get("usages") or ()
        path = _SPEC.child("usages")
        if not usages:
            errors.append(required(path))
        errors.extend(
            not_supported(path.at(position), usage, USAGES)
            for position, usage in enumerate(usages)
            if usage not in _KNOWN_USAGES
        )
        seen: set[str] = set()
        for position, usage in enumerate(usages):
            if usage in seen:
                errors.append(duplicate(path.at(position), usage))
            seen.add(usage)
        signer = spec.get("signerName") or ""
        if signer == LEGACY_SIGNER:
            text = "the legacy signerName is not allowed via this API version"
            errors.append(invalid(_SPEC.child("signerName"), signer, text))
        else:
            errors.extend(validate_signer_name(signer, _SPEC.child("signerName")))
        seconds = spec.get("expirationSeconds")
        if seconds is not None and seconds < SHORTEST:
            text = "may not specify a duration less than 600 seconds (10 minutes)"
            errors.append(invalid(_SPEC.child("expirationSeconds"), seconds, text))
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """Nothing that is checked can change here."""
        return []


def set_requester(new: Object, user: User) -> None:
    """Write into a new request who makes it."""
    info = user.info()
    spec = new.setdefault("spec", {})
    for field in _REQUESTER:
        spec.pop(field, None)
        if field in info:
            spec[field] = info[field]


def _present() -> datetime:
    return datetime.now(UTC)


class _Answer(StatusSubresource):
    """What `approval` and `status` share: spec stays, conditions get their times and keep their rules.

    `now` tells the time conditions are stamped with.
    """

    __slots__ = ("_now",)

    def __init__(self, now: Callable[[], datetime] = _present) -> None:
        self._now = now

    def prepare_update(self, new: Object, old: Object) -> None:
        """Keep the spec; stamp conditions that carry no times. One that is not new keeps the time of its transition."""
        super().prepare_update(new, old)
        status = new.get("status") or {}
        new["status"] = status
        stamp = ""
        transitions = {
            (earlier.get("type"), earlier.get("status")): earlier.get("lastTransitionTime")
            for earlier in _conditions(old)
        }
        for condition in status.get("conditions") or ():
            if condition.get("lastUpdateTime") and condition.get("lastTransitionTime"):
                continue
            stamp = stamp or clock.format_seconds(self._now())
            if not condition.get("lastUpdateTime"):
                condition["lastUpdateTime"] = stamp
            if not condition.get("lastTransitionTime"):
                before = transitions.get((condition.get("type"), condition.get("status")))
                condition["lastTransitionTime"] = before or stamp

    def _decisions(self, new: Object, old: Object, may_decide: bool) -> list[FieldError]:
        """What is wrong with conditions as successors of others: what was decided stays decided."""
        errors: list[FieldError] = []
        for kind in (APPROVED, DENIED, FAILED):
            after = [condition for condition in _conditions(new) if condition.get("type") == kind]
            before = [condition for condition in _conditions(old) if condition.get("type") == kind]
            done = ""
            if len(after) < len(before):
                done = "remove"
            elif may_decide or kind == FAILED:
                continue
            elif len(after) > len(before):
                done = "add"
            elif after != before:
                done = "modify"
            if done:
                errors.append(forbidden(_CONDITIONS, f"updates may not {done} a condition of type {quote(kind)}"))
        return errors


class Approval(_Answer):
    """Writes the conditions, the decision included, and nothing else."""

    __slots__ = ()

    def prepare_update(self, new: Object, old: Object) -> None:
        """Keep everything but the conditions."""
        super().prepare_update(new, old)
        conditions = new["status"].get("conditions")
        new["status"] = dict(old.get("status") or {})
        new["status"].pop("conditions", None)
        if conditions:
            new["status"] = {"conditions": conditions, **new["status"]}

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What is wrong with the conditions."""
        return _condition_errors(_conditions(new)) + self._decisions(new, old, may_decide=True)


class Signing(_Answer):
    """Writes the certificate, once, and conditions other than the decision."""

    __slots__ = ()

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What is wrong with conditions and certificate."""
        errors = _condition_errors(_conditions(new))
        certificate = new["status"].get("certificate") or ""
        before = (old.get("status") or {}).get("certificate") or ""
        if certificate != before and (problem := certificate_error(certificate)):
            errors.append(invalid(_CERTIFICATE, "<certificate data>", problem))
        errors += self._decisions(new, old, may_decide=False)
        if before and certificate != before:
            errors.append(forbidden(_CERTIFICATE, "updates may not modify existing certificate content"))
        return errors


def _condition_cell(obj: Object, now: datetime) -> str:
    """The decision, then what came of it."""
    kinds = {condition.get("type") for condition in _conditions(obj)}
    shown = DENIED if DENIED in kinds else APPROVED if APPROVED in kinds else "Pending"
    if FAILED in kinds:
        shown += ",Failed"
    return shown + ",Issued" if (obj.get("status") or {}).get("certificate") else shown


def _spec_cell(field: str, absent: str) -> Callable[[Object, datetime], str]:
    def cell(obj: Object, now: datetime) -> str:
        return (obj.get("spec") or {}).get(field) or absent

    return cell


def _duration_cell(obj: Object, now: datetime) -> str:
    seconds = (obj.get("spec") or {}).get("expirationSeconds")
    return "<none>" if seconds is None else clock.human(timedelta(seconds=seconds))


def _labels(obj: Object) -> Mapping[str, str]:
    return {"metadata.name": obj["metadata"]["name"], "spec.signerName": (obj.get("spec") or {}).get("signerName", "")}


SIGNING_REQUESTS = built_in(
    "certificates.k8s.io",
    "v1",
    "certificatesigningrequests",
    "CertificateSigningRequest",
    SigningRequestStrategy(),
    namespaced=False,
    short_names=("csr",),
    columns=(
        NAME,
        AGE,
        Column("SignerName", _spec_cell("signerName", "<none>"), description="Who is asked to sign"),
        Column("Requestor", _spec_cell("username", ""), description="Who asks"),
        Column("RequestedDuration", _duration_cell, description="How long the certificate shall be valid"),
        Column("Condition", _condition_cell, description="What was decided, and what came of it"),
    ),
    field_labels=_labels,
    selectable=("metadata.name", "spec.signerName"),
    subresources={"approval": Approval(), "status": Signing()},
    set_creator=set_requester,
)

TYPES = (SIGNING_REQUESTS,)
