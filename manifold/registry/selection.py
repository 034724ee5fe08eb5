"""Which objects of a range a list or watch is about: label and field selectors together.

The common questions are answered without parsing an object: no selector at all, and a field selector on the name
alone, which narrows the key range instead.
"""

from __future__ import annotations

from dataclasses import dataclass

from manifold.base import errors, field_selectors, selectors
from manifold.registry.served import Served
from manifold.types.resource import Object


@dataclass(frozen=True, slots=True)
class Selection:
    """A label and a field selector, either of which may be None for everything.

    `name` is set where the fields ask for exactly one name and nothing else remains to be checked.
    """

    labels: selectors.Selector | None = None
    fields: field_selectors.FieldSelector | None = None
    name: str = ""
    namespace: str = ""

    @property
    def everything(self) -> bool:
        """Whether every object of the (possibly narrowed) range is selected."""
        return self.labels is None and self.fields is None

    def matches(self, served: Served, obj: Object) -> bool:
        """Whether an object is selected."""
        if self.labels is not None and not self.labels.matches(obj["metadata"].get("labels") or {}):
            return False
        return self.fields is None or self.fields.matches(served.type.field_labels(obj))


EVERYTHING = Selection()


def parse(served: Served, labels: str, fields: str) -> Selection:
    """The selection a request asks for. Raises the 400 of a selector that cannot be read or is not supported."""
    if not labels and not fields:
        return EVERYTHING
    label_selector = None
    if labels:
        try:
            label_selector = selectors.parse(labels)
        except ValueError as error:
            raise errors.bad_request(f"unable to parse requirement: {error}") from None
        if label_selector.empty:
            label_selector = None
    if not fields:
        return Selection(label_selector)
    field_selector = field_selectors.parse(fields)
    field_selector.check(served.type.selectable, served.type)
    names = field_selector.exact("metadata.name")
    namespaces = field_selector.exact("metadata.namespace")
    rest = None if field_selector.only("metadata.name", "metadata.namespace") else field_selector
    return Selection(label_selector, rest, names, namespaces)
