"""Which form of answer a client asks for: its Accept header against what there is.

Media types are tried in the order of their quality, then of the header, and one that cannot be had is passed over,
which is how kubectl asks for a Table and takes an object, and how a typed Go client asks for protobuf and takes JSON
(RFC 9110, section 12.5.1; KEP-2334). Protobuf is there for types with a message and, for every type, of metadata;
tables are JSON or YAML.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from manifold.base import errors

JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
READ_TYPES = (JSON, YAML, PROTOBUF)
WATCH_TYPES = (f"{JSON};stream=watch", f"{PROTOBUF};stream=watch")
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
def negotiate(accept: str, protobuf: bool = False, watch: bool = False) -> Accepted:
    """The form to answer in; `protobuf` is whether the type has a message, `watch` whether events are to be sent.
    Raises the 406 `Status` where none of those asked for can be had.
    """
    clauses = _clauses(accept)
    if not clauses:
        return PLAIN
    known = False
    for media, parameters in clauses:
        if media == "*/*":
            media = JSON
        if media not in READ_TYPES:
            continue
        known = True
        wanted = parameters.get("as", "")
        pretty = parameters.get("pretty", "") not in ("", "0", "false")
        if not wanted:
            if media == PROTOBUF and not protobuf:
                continue
            return Accepted(media, "object", False, pretty)
        if parameters.get("g") != "meta.k8s.io" or parameters.get("v") not in ("v1", "v1beta1"):
            continue
        if wanted == "Table" and media != PROTOBUF:
            return Accepted(media, "table", False, pretty)
        if wanted in ("PartialObjectMetadata", "PartialObjectMetadataList"):
            return Accepted(media, "metadata", wanted.endswith("List"), pretty)
    if known:
        raise errors.not_acceptable(WATCH_TYPES if watch else READ_TYPES)
    raise errors.no_representation(READ_TYPES)


def asks_for_metadata(accept: str) -> bool:
    """Whether the answer to a client would be metadata alone."""
    try:
        return negotiate(accept).form == "metadata"
    except errors.StatusError:
        return False


@lru_cache(1024)
def refusal_media(accept: str) -> str:
    """The media type a refusal is told in: the first that is asked for without a transformation, else JSON. A `Status`
    has a message whatever it is about.
    """
    for media, parameters in _clauses(accept):
        if not parameters.get("as") and media in (*READ_TYPES, "*/*"):
            return media if media in READ_TYPES else JSON
    return JSON
