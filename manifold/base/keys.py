"""Storage keys: where an object lies, and which ranges hold what belongs together.

A key is `kind / group / resource / identity / cluster / namespace / name`. Segments are UTF-8 and end with a NUL
byte; no segment may contain one (names are checked before they get here, and `segment` refuses the rest), so
the encoding is injective, no segment can reach into the next, and the order of keys is the order of segments.
The resource comes before the cluster so that a wildcard list, a wildcard watch and a provider's view are each
one range. The first byte separates objects from what is kept about them.
"""

from __future__ import annotations

from dataclasses import dataclass

OBJECT = b"o"
INDEX = b"i"
WORK = b"w"
META = b"m"
END = b"\x00"


def segment(text: str) -> bytes:
    """One encoded segment. Raises ValueError where the text could reach into the next segment."""
    if "\x00" in text:
        raise ValueError("a key segment holds no NUL byte")
    return text.encode() + END


@dataclass(frozen=True, slots=True)
class ObjectKey:
    """The six parts an object's place is made of; `identity` and `namespace` are empty where there is none."""

    group: str
    resource: str
    identity: str
    cluster: str
    namespace: str
    name: str

    def encode(self) -> bytes:
        """The storage key. Injective in all parts."""
        return (
            type_prefix(self.group, self.resource, self.identity)
            + segment(self.cluster)
            + segment(self.namespace)
            + segment(self.name)
        )


def decode(key: bytes) -> ObjectKey:
    """The parts of an object's key; the inverse of `ObjectKey.encode`. Raises ValueError for any other key."""
    if key[:1] != OBJECT:
        raise ValueError("not the key of an object")
    group, resource, identity, cluster, namespace, name, _ = key[1:].decode().split("\x00")
    return ObjectKey(group, resource, identity, cluster, namespace, name)


def resource_prefix(group: str, resource: str) -> bytes:
    """The range of all objects of a group and resource, whatever their identity, in all logical clusters."""
    return OBJECT + segment(group) + segment(resource)


def is_of_resource(prefix: bytes) -> bool:
    """Whether a range is one of `resource_prefix`."""
    return prefix[:1] == OBJECT and prefix.count(END) == 2


def type_prefix(group: str, resource: str, identity: str = "") -> bytes:
    """The range of all objects of one stored type, in all logical clusters."""
    return resource_prefix(group, resource) + segment(identity)


def cluster_prefix(group: str, resource: str, identity: str, cluster: str) -> bytes:
    """The range of one stored type in one logical cluster."""
    return type_prefix(group, resource, identity) + segment(cluster)


def after(prefix: bytes) -> bytes:
    """The first key behind the range of all keys that start with `prefix` (which ends with NUL)."""
    return prefix[:-1] + b"\x01"


def index_key(index: str, *parts: str) -> bytes:
    """The key of an index row: the name of the index, then what is looked up, most significant first."""
    return INDEX + segment(index) + b"".join(segment(part) for part in parts)


def work_key(controller: str, *parts: str) -> bytes:
    """The key of a work row: the controller it is for, then what is to be done it to."""
    return WORK + segment(controller) + b"".join(segment(part) for part in parts)


def work_prefix(controller: str) -> bytes:
    """The range of all work rows of one controller."""
    return WORK + segment(controller)


def parts(key: bytes) -> list[str]:
    """The segments of any key, the kind byte left out."""
    return key[1:].decode().split("\x00")[:-1]
