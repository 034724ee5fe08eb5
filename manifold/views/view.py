"""A view: what a request sees that came through a virtual workspace, and by whose right.

It is types, a range, a filter and an authority, and nothing that does anything: the verbs are the registry's, the
same as at every other URL.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from manifold.base.user import User
from manifold.registry.reach import Reach
from manifold.registry.scope import Ground, Scope
from manifold.registry.served import Served
from manifold.views.resolution import Resolution


@dataclass(frozen=True, slots=True)
class Shown:
    """The types of a view that has its own: what discovery tells, what the verbs work with, by (group, version,
    resource), and which verbs there are, by (group, resource) and by subresource (the object itself: empty).
    """

    resolution: Resolution
    served: Mapping[tuple[str, str, str], Served]
    verbs: Mapping[tuple[str, str], Mapping[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class View:
    """One request's view.

    `prefix` is the URL's path before `/clusters/`, `cluster` the range: a logical cluster or `*`. `user` acts from here
    on; `authority` is by whose rights it gives rights to others. Without `shown`, the request goes to the logical
    cluster itself, and must be allowed there to `user`. `holds` says whether the right to this view still exists; it
    has to be asked again when something changes in one of the logical clusters `rests_on`. `reach` says of which
    objects there are lists and watches, where these are not all objects of the range that the scope sees. `ground` is
    asked again in the commit of each write.
    """

    prefix: str
    cluster: str
    user: User
    holds: Callable[[], Awaitable[bool]]
    rests_on: frozenset[str] = field(default_factory=frozenset)
    shown: Shown | None = None
    scope: Scope | None = None
    reach: Reach | None = None
    authority: User | None = None
    ground: Ground | None = None
