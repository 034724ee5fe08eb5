"""Field selectors: `metadata.name=x,status.phase!=Active`, over the few fields a type lets one ask for.

The grammar is equality only, joined by commas; backslash escapes a comma, an equals sign or itself in a value. The
texts of refusals are Kubernetes'. Which fields there are is the type's business; `check` refuses the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from manifold.base.errors import bad_request
from manifold.base.fields import quote

_DEFAULT = ("metadata.name", "metadata.namespace")
Matcher = Callable[[Mapping[str, str]], bool]


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: the field has (or, negated, has not) the value. A field that is not there has the empty value."""

    label: str
    value: str
    negated: bool = False

    def __str__(self) -> str:
        return f"{self.label}{'!=' if self.negated else '='}{escape(self.value)}"


def _compile(terms: tuple[Term, ...]) -> Matcher:
    if not terms:
        return lambda fields: True
    if len(terms) == 1:
        label, value = terms[0].label, terms[0].value
        if terms[0].negated:
            return lambda fields: fields.get(label, "") != value
        return lambda fields: fields.get(label, "") == value
    conditions = tuple((term.label, term.value, term.negated) for term in terms)

    def every(fields: Mapping[str, str]) -> bool:
        for label, value, negated in conditions:  # noqa: SIM110 - a generator would cost a frame for every object
            if (fields.get(label, "") == value) is negated:
                return False
        return True

    return every


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Conditions that must all hold, in the order of their text. `matches(fields)` answers for one object's fields."""

    terms: tuple[Term, ...] = ()
    matches: Matcher = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "matches", _compile(self.terms))

    @property
    def empty(self) -> bool:
        """Whether everything matches."""
        return not self.terms

    def exact(self, label: str) -> str | None:
        """The one value the field must have, or None where that is open. With a name, a list is a get."""
        for term in self.terms:
            if term.label == label and not term.negated:
                return term.value
        return None

    def __str__(self) -> str:
        return ",".join([str(term) for term in self.terms])


EVERYTHING = FieldSelector()


def escape(value: str) -> str:
    """A value as it stands in a selector."""
    return value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")


def _unescape(value: str) -> str:
    if not any(character in value for character in "\\,="):
        return value
    found = []
    characters = iter(value)
    for character in characters:
        if character == "\\":
            escaped = next(characters, "")
            if not escaped or escaped not in "\\,=":
                raise bad_request(f"invalid field selector: invalid escape sequence: \\{escaped}")
            found.append(escaped)
        elif character in ",=":
            # The number of the character, as Kubernetes tells it.
            raise bad_request(f"invalid field selector: unescaped character in value: {ord(character)}")
        else:
            found.append(character)
    return "".join(found)


def _split(text: str) -> list[str]:
    """The parts between commas that are not escaped."""
    parts = []
    start = 0
    escaped = False
    for position, character in enumerate(text):
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == ",":
            parts.append(text[start:position])
            start = position + 1
    parts.append(text[start:])
    return parts


def parse(text: str) -> FieldSelector:
    """The selector of a `fieldSelector` parameter; the empty text selects everything. Raises the 400 `Status`."""
    if not text:
        return EVERYTHING
    terms = []
    for part in sorted(_split(text)):
        if not part:
            continue
        at = part.find("=")
        if at < 0:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        if at and part[at - 1] == "!":
            terms.append(Term(part[: at - 1], _unescape(part[at + 1 :]), True))
        else:
            end = at + 2 if part.startswith("==", at) else at + 1
            terms.append(Term(part[:at], _unescape(part[end:])))
    return FieldSelector(tuple(terms))


def check(selector: FieldSelector, selectable: Sequence[str], custom: bool = False) -> None:
    """Refuse fields a type cannot be selected by, with the 400 `Status`; `selectable` are those it can.

    Built-in types that add nothing to name and namespace are told apart in the text, as Kubernetes does.
    """
    for term in selector.terms:
        if term.label not in selectable:
            if not custom and tuple(selectable) == _DEFAULT:
                known = ", ".join(quote(label) for label in selectable)
                raise bad_request(f"{quote(term.label)} is not a known field selector: only {known}")
            raise bad_request(f"field label not supported: {term.label}")
