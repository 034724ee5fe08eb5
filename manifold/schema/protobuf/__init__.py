"""Protobuf as Kubernetes speaks it: `k8s\\0`, a runtime.Unknown, and in it the message of a type.

Promises: JSON data goes in and out, in the form the codec of the type takes and gives; field numbers are facts of the
wire, kept in a table of our own. Everything heavy loads with the first body.
Must not know: resource types, requests.
"""

from manifold.schema.protobuf.envelope import (
    DELETE_OPTIONS,
    META_VERSION,
    NO_CONTENT,
    decode,
    decode_message,
    delimited,
    encode,
    encode_message,
    encode_object,
    envelope_head,
    message_for,
    open_envelope,
    opening,
)
from manifold.schema.protobuf.messages import prepare

__all__ = [
    "DELETE_OPTIONS",
    "META_VERSION",
    "NO_CONTENT",
    "decode",
    "decode_message",
    "delimited",
    "encode",
    "encode_message",
    "encode_object",
    "envelope_head",
    "message_for",
    "open_envelope",
    "opening",
    "prepare",
]
