"""Which form of answer a client asks for: its Accept header against what there is.

Media types are tried in the order of their quality, then of the header, and one that cannot be had is passed over,
which is how kubectl asks for a Table and takes an object (RFC 9110, section 12.5.1; KEP-2334). Answers are JSON
wherever the header allows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from manifold.base import errors

JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
READ_TYPES = (JSON, YAML, PROTOBUF)
Form = Literal["object", "table", "metadata"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The form to answer in: `media` is the Content-Type; `listed` is whether PartialObjectMetadataList was asked
    for.
    """

    media: str = JSON
    form: Form = "object"
    listed: bool = False
    pretty: bool = False


PLAIN = Accepted()


def _quality(parameters: dict[str, str]) -> float:
    try:
        return float(parameters.get("q", "1"))
    except ValueError:
        return 1.0


def _clauses(accept: str) -> list[tuple[str, dict[str, str]]]:
    found = []
    for text in accept.split(","):
        media, *rest = [part.strip() for part in text.split(";")]
        parameters = {}
        for part in rest:
            name, _, value = part.partition("=")
            parameters[name.strip().lower()] = value.strip().strip('"')
        if media:
            found.append((media.lower(), parameters))
    found.sort(key=lambda clause: -_quality(clause[1]))
    return found


@lru_cache(1024)
def negotiate(accept: str) -> Accepted:
    """The form to answer in. Raises the 406 `Status` where none of those asked for can be had."""
    clauses = _clauses(accept)
    if not clauses:
        return PLAIN
    known = False
    for media, parameters in clauses:
        if media == "*/*":
            media = JSON
        if media not in (JSON, YAML):
            known = known or media == PROTOBUF
            continue
        known = True
        wanted = parameters.get("as", "")
        pretty = parameters.get("pretty", "") not in ("", "0", "false")
        if not wanted:
            return Accepted(media, "object", False, pretty)
        if parameters.get("g") != "meta.k8s.io" or parameters.get("v") not in ("v1", "v1beta1"):
            continue
        if wanted == "Table":
            return Accepted(media, "table", False, pretty)
        if wanted in ("PartialObjectMetadata", "PartialObjectMetadataList"):
            return Accepted(media, "metadata", wanted.endswith("List"), pretty)
    if known:
        raise errors.not_acceptable(READ_TYPES)
    raise errors.no_representation(READ_TYPES)
