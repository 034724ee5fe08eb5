"""Label selectors: their text, their object form, and whether labels match.

The grammar is that of Kubernetes' label selectors: `a=b, c!=d, e in (f,g), h notin (i), j, !k, l>1`. It is read by a
hand-written parser of one pass over tokens, because clients compare the refusals literally and each of them names the
token at fault. A selector is compiled into one closure when it is made: a watch asks it for every event, a list for
every object, and both ask nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from manifold.base import names
from manifold.base.errors import bad_request
from manifold.base.fields import FieldError, invalid

IN = "in"
NOT_IN = "notin"
EQUALS = "="
DOUBLE_EQUALS = "=="
NOT_EQUALS = "!="
EXISTS = "exists"
DOES_NOT_EXIST = "!"
GREATER = "gt"
LESS = "lt"

_BINARY = {"in": IN, "notin": NOT_IN, "=": EQUALS, "==": DOUBLE_EQUALS, "!=": NOT_EQUALS, ">": GREATER, "<": LESS}
_SIGNS = {operator: sign for sign, operator in _BINARY.items()}
_SYMBOLS = frozenset(("=", "==", "!=", "!", "(", ")", ",", ">", "<"))
_TOKEN = re.compile(r"[ \t\r\n]*(?:(==|!=|[=!(),<>])|([^\0 \t\r\n=!(),<>]+)\0?)")
_is_integer = re.compile("[+-]?[0-9]{1,20}").fullmatch
_INTEGER_LIMIT = 1 << 63

Matcher = Callable[[Mapping[str, str]], bool]


class SelectorError(ValueError):
    """A selector that cannot be understood; the text is the one clients see."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label: key, operator (one of the constants above) and values, sorted and each once."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.operator == EXISTS:
            return self.key
        if self.operator == DOES_NOT_EXIST:
            return "!" + self.key
        if self.operator in (IN, NOT_IN):
            return f"{self.key} {self.operator} ({','.join(self.values)})"
        return f"{self.key}{_SIGNS[self.operator]}{self.values[0]}"

    def matcher(self) -> Matcher:
        """The condition as a function of labels. A label that is not there satisfies `!=` and `notin`."""
        key, operator, values = self.key, self.operator, self.values
        if operator == EXISTS:
            return lambda labels: key in labels
        if operator == DOES_NOT_EXIST:
            return lambda labels: key not in labels
        if operator in (GREATER, LESS):
            return _comparison(key, operator, values[0])
        if len(values) == 1:
            only = values[0]
            if operator in (IN, EQUALS, DOUBLE_EQUALS):
                return lambda labels: labels.get(key) == only
            return lambda labels: labels.get(key) != only
        allowed = frozenset(values)
        if operator == IN:
            return lambda labels: labels.get(key) in allowed
        return lambda labels: labels.get(key) not in allowed


def _integer(text: str) -> int | None:
    """`text` as a signed 64-bit decimal number, or None."""
    if not _is_integer(text):
        return None
    number = int(text)
    return number if -_INTEGER_LIMIT <= number < _INTEGER_LIMIT else None


def _comparison(key: str, operator: str, limit: str) -> Matcher:
    bound = _integer(limit)
    assert bound is not None  # requirements are checked when they are made

    def greater(labels: Mapping[str, str]) -> bool:
        value = labels.get(key)
        number = _integer(value) if value is not None else None
        return number is not None and number > bound

    def less(labels: Mapping[str, str]) -> bool:
        value = labels.get(key)
        number = _integer(value) if value is not None else None
        return number is not None and number < bound

    return greater if operator == GREATER else less


def _everything(labels: Mapping[str, str]) -> bool:
    return True


def _nothing(labels: Mapping[str, str]) -> bool:
    return False


def _all(matchers: tuple[Matcher, ...]) -> Matcher:
    if not matchers:
        return _everything
    if len(matchers) == 1:
        return matchers[0]
    if len(matchers) == 2:
        first, second = matchers
        return lambda labels: first(labels) and second(labels)

    def every(labels: Mapping[str, str]) -> bool:
        for matcher in matchers:  # noqa: SIM110 - a generator would cost a frame for every object of a list
            if not matcher(labels):
                return False
        return True

    return every


@dataclass(frozen=True, slots=True)
class Selector:
    """Conditions that must all hold, ordered by key. `matches(labels)` answers for the labels of one object.

    `str()` gives the canonical text, which parses to an equal selector (`NOTHING` alone has none).
    """

    requirements: tuple[Requirement, ...] = ()
    impossible: bool = False
    matches: Matcher = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        matcher = _nothing if self.impossible else _all(tuple(item.matcher() for item in self.requirements))
        object.__setattr__(self, "matches", matcher)

    @property
    def empty(self) -> bool:
        """Whether everything matches, so that nobody need look at labels."""
        return not self.requirements and not self.impossible

    def __str__(self) -> str:
        return ",".join([str(item) for item in self.requirements])


EVERYTHING = Selector()
NOTHING = Selector(impossible=True)
"""What a LabelSelector that is absent selects."""


def _selector(requirements: Iterable[Requirement]) -> Selector:
    return Selector(tuple(sorted(requirements, key=lambda item: item.key)))


def _told(errors: list[FieldError]) -> str:
    texts = list(dict.fromkeys(str(error) for error in errors))
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def _key_error(key: str, path: str) -> FieldError | None:
    errors = names.label_key(key)
    return invalid(path, key, "; ".join(errors)) if errors else None


def requirement(key: str, operator: str, values: Iterable[str] = ()) -> Requirement:
    """A checked requirement. Raises SelectorError in Kubernetes' words."""
    listed = tuple(sorted(set(values)))
    errors = []
    wrong = _key_error(key, "key")
    if wrong:
        errors.append(wrong)
    if operator in (IN, NOT_IN):
        if not listed:
            errors.append(invalid("values", [], "for 'in', 'notin' operators, values set can't be empty"))
    elif operator in (EQUALS, DOUBLE_EQUALS, NOT_EQUALS):
        if len(listed) != 1:
            errors.append(invalid("values", list(listed), "exact-match compatibility requires one single value"))
    elif operator in (EXISTS, DOES_NOT_EXIST):
        if listed:
            errors.append(invalid("values", list(listed), "values set must be empty for exists and does not exist"))
    else:
        if len(listed) != 1:
            errors.append(invalid("values", list(listed), "for 'Gt', 'Lt' operators, exactly one value is required"))
        for position, value in enumerate(listed):
            if _integer(value) is None:
                text = "for 'Gt', 'Lt' operators, the value must be an integer"
                errors.append(invalid(f"values[{position}]", value, text))
    for position, value in enumerate(listed):
        texts = names.label_value(value)
        if texts:
            errors.append(invalid(f"values[{position}][{key}]", value, "; ".join(texts)))
    if errors:
        raise SelectorError(_told(errors))
    return Requirement(key, operator, listed)


def _tokens(text: str) -> list[str]:
    """The tokens of a selector, closed by the empty one. A NUL where a token should begin ends the text."""
    found = []
    position = 0
    while (token := _TOKEN.match(text, position)) is not None:
        found.append(token[1] or token[2])
        position = token.end()
    found.append("")
    return found


class _Parser:
    """Reads tokens from left to right. `in` and `notin` are operators only where an operator is due."""

    __slots__ = ("position", "tokens")

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.position = 0

    @property
    def ahead(self) -> str:
        return self.tokens[self.position]

    def take(self) -> str:
        token = self.tokens[self.position]
        if token:
            self.position += 1
        return token

    def requirements(self) -> list[Requirement]:
        found = []
        while token := self.ahead:
            if token in _SYMBOLS and token != "!":
                raise SelectorError(f"found '{token}', expected: !, identifier, or 'end of string'")
            try:
                found.append(self.one())
            except SelectorError as error:
                raise SelectorError(f"unable to parse requirement: {error}") from None
            token = self.take()
            if not token:
                break
            if token != ",":
                raise SelectorError(f"found '{token}', expected: ',' or 'end of string'")
            if not self.ahead or (self.ahead in _SYMBOLS and self.ahead != "!"):
                raise SelectorError(f"found '{self.ahead}', expected: identifier after ','")
        return found

    def one(self) -> Requirement:
        key = self.take()
        absent = key == "!"
        if absent:
            key = self.take()
        if not key or key in _SYMBOLS:
            raise SelectorError(f"found '{key}', expected: identifier")
        wrong = _key_error(key, "<nil>")
        if wrong:
            raise SelectorError(str(wrong))
        if absent:
            return requirement(key, DOES_NOT_EXIST)
        if self.ahead in ("", ","):
            return requirement(key, EXISTS)
        sign = self.take()
        operator = _BINARY.get(sign)
        if operator is None:
            raise SelectorError(f"found '{sign}', expected: in, notin, =, ==, !=, gt, lt")
        return requirement(key, operator, self.listed() if operator in (IN, NOT_IN) else self.exact())

    def exact(self) -> list[str]:
        if self.ahead in ("", ","):
            return [""]
        token = self.take()
        if token in _SYMBOLS:
            raise SelectorError(f"found '{token}', expected: identifier")
        return [token]

    def listed(self) -> list[str]:
        token = self.take()
        if token != "(":
            raise SelectorError(f"found '{token}' expected: '('")
        if self.ahead == ")":
            self.take()
            return [""]
        if not self.ahead or (self.ahead in _SYMBOLS and self.ahead != ","):
            raise SelectorError(f"found '{self.ahead}', expected: ',', ')' or identifier")
        values: list[str] = []
        while True:
            token = self.take()
            if token == ",":
                # An empty place in the list, at its ends or between two commas, is the empty value.
                if not values:
                    values.append("")
                if self.ahead == ")":
                    values.append("")
                    break
                if self.ahead == ",":
                    self.take()
                    values.append("")
            elif not token or token in _SYMBOLS:
                raise SelectorError(f"found '{token}', expected: ',', or identifier")
            else:
                values.append(token)
                if self.ahead == ")":
                    break
                if self.ahead != ",":
                    raise SelectorError(f"found '{self.ahead}', expected: ',' or ')'")
        self.take()
        return values


def read(text: str) -> Selector:
    """The selector a text means. Raises SelectorError; `parse` is the same for a request."""
    if not text:
        return EVERYTHING
    return _selector(_Parser(text).requirements())


def parse(text: str) -> Selector:
    """The selector of a `labelSelector` parameter; the empty text selects everything. Raises the 400 `Status`."""
    try:
        return read(text)
    except SelectorError as error:
        raise bad_request(str(error)) from None


_OBJECT_OPERATORS = {"In": IN, "NotIn": NOT_IN, "Exists": EXISTS, "DoesNotExist": DOES_NOT_EXIST}


def from_object(selector: Mapping[str, Any] | None) -> Selector:
    """The selector of a LabelSelector object (meta/v1): absent selects nothing, empty everything.

    Raises SelectorError where the object is not valid.
    """
    if selector is None:
        return NOTHING
    found = [requirement(key, EQUALS, (value,)) for key, value in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or ():
        operator = _OBJECT_OPERATORS.get(expression.get("operator", ""))
        if operator is None:
            raise SelectorError(f'"{expression.get("operator", "")}" is not a valid label selector operator')
        found.append(requirement(expression.get("key", ""), operator, expression.get("values") or ()))
    return _selector(found)
