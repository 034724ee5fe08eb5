"""Matching a pattern in time that grows with the text and not with the pattern's ambiguity.

Patterns come from whoever may write a CRD, texts from whoever may write its objects; an engine that backtracks can be
made to hold the process for ever by the two together. So a pattern in which repetitions meet (nested, or several in a
row) is run as an automaton: all places of the pattern the text could be at, at once (Thompson 1968), each set of
places and its successors remembered while a matcher lives. Short texts cannot do harm and take the faster engine.
"""

from __future__ import annotations

import re
from re import _compiler, _constants, _parser  # type: ignore[attr-defined] # the parse tree has no public name
from typing import Any

MAX_PLACES = 20_000
MAX_REMEMBERED = 1000
HARMLESS = 12
"""Texts of up to this length cannot keep a backtracking engine busy."""
SHORT = {0: 0, 1: 256, 2: 64}
"""Up to this length so many repetitions, none in another, are soon done; 0 is any length."""
_NEVER = -1
"""For a pattern with \\B, which the engine does not find in an empty text, although no word is there to border."""
_NONE, _NEWLINE, _WORD, _OTHER = range(4)


class TooManyPlacesError(ValueError):
    """The pattern, with its counted repetitions written out, is too large."""


class Pattern:
    """A compiled pattern. `search(text)` says whether it occurs in the text."""

    __slots__ = ("_automaton", "_engine", "_limit", "_tree")

    def __init__(self, pattern: str) -> None:
        self._engine = re.compile(pattern, re.ASCII)
        self._tree = _parser.parse(pattern, re.ASCII)
        nested, repeats = _repetitions(self._tree)
        self._limit = HARMLESS if nested else SHORT.get(repeats, HARMLESS)
        if r"\B" in pattern:
            self._limit = _NEVER
        self._automaton: _Automaton | None = None
        if _size(self._tree) > MAX_PLACES:
            raise TooManyPlacesError

    def search(self, text: str) -> bool:
        """Whether the pattern occurs in `text`."""
        if not self._limit or len(text) <= self._limit:
            return self._engine.search(text) is not None
        automaton = self._automaton
        if automaton is None:
            automaton = self._automaton = _Automaton(self._tree)
        return automaton.search(text)


def _repetitions(tree: Any) -> tuple[bool, int]:
    """Whether a repetition holds another or a choice, and how many there are of no fixed number of times."""
    nested, repeats = False, 0
    for operator, argument in tree:
        for part in _parts(operator, argument):
            inner_nested, inner = _repetitions(part)
            nested = nested or inner_nested
            repeats += inner
            if _repeats(operator) and argument[1] != 1 and _varies(part):
                nested = True
        if _repeats(operator) and argument[1] != 1 and argument[0] != argument[1]:
            repeats += 1
    return nested, repeats


def _varies(tree: Any) -> bool:
    """Whether one text can be matched by a part in several ways, or several lengths."""
    return any(
        operator is _constants.BRANCH
        or (_repeats(operator) and argument[0] != argument[1])
        or any(_varies(part) for part in _parts(operator, argument))
        for operator, argument in tree
    )


def _repeats(operator: Any) -> bool:
    return operator is _constants.MAX_REPEAT or operator is _constants.MIN_REPEAT


def _parts(operator: Any, argument: Any) -> list[Any]:
    if _repeats(operator):
        return [argument[2]]
    if operator is _constants.BRANCH:
        return list(argument[1])
    return [argument[3]] if operator is _constants.SUBPATTERN else []


def _size(tree: Any) -> int:
    total = 0
    for operator, argument in tree:
        times = 1
        if _repeats(operator):
            times = argument[0] + 1 if argument[1] == _constants.MAXREPEAT else argument[1]
        total += 1 + times * sum(map(_size, _parts(operator, argument)))
    return total


def _class_of(character: str) -> int:
    if character == "\n":
        return _NEWLINE
    return _WORD if character.isascii() and (character.isalnum() or character == "_") else _OTHER


class _Automaton:
    """Places are numbers: of a test of one character, of a condition, of a fork, or of the end."""

    def __init__(self, tree: Any) -> None:
        self._state = tree.state
        self._tests: dict[int, tuple[Any, int]] = {}
        self._conditions: dict[int, tuple[Any, bool, int]] = {}
        self._forks: dict[int, list[int]] = {}
        self._count = 1
        self._start = self._sequence(list(tree), 0, tree.state.flags)
        self._known: dict[tuple[frozenset[int], int, str], tuple[bool, frozenset[int]]] = {}

    def search(self, text: str) -> bool:
        here = frozenset((self._start,))
        before = _NONE
        known = self._known
        for character in text:
            found = known.get((here, before, character))
            if found is None:
                found = self._step(here, before, character)
            if found[0]:
                return True
            here = found[1]
            before = _class_of(character)
        return 0 in self._reached(here, before, _NONE)

    def _step(self, here: frozenset[int], before: int, character: str) -> tuple[bool, frozenset[int]]:
        reached = self._reached(here, before, _class_of(character))
        following = {self._start}
        for place in reached:
            test = self._tests.get(place)
            if test is not None and test[0](character):
                following.add(test[1])
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        found = self._known[here, before, character] = 0 in reached, frozenset(following)
        return found

    def _reached(self, places: frozenset[int], before: int, after: int) -> set[int]:
        """The places reached from `places` without reading; 0 is the end of the pattern."""
        reached: set[int] = set()
        waiting = list(places)
        while waiting:
            place = waiting.pop()
            if place in reached:
                continue
            reached.add(place)
            if place in self._forks:
                waiting.extend(self._forks[place])
            elif place in self._conditions:
                condition, lines, following = self._conditions[place]
                if _holds(condition, lines, before, after):
                    waiting.append(following)
        return reached

    def _new(self) -> int:
        self._count += 1
        return self._count

    def _sequence(self, items: list[Any], following: int, flags: int) -> int:
        for operator, argument in reversed(items):
            following = self._item(operator, argument, following, flags)
        return following

    def _item(self, operator: Any, argument: Any, following: int, flags: int) -> int:
        if operator is _constants.SUBPATTERN:
            _, added, removed, part = argument
            return self._sequence(list(part), following, (flags | added) & ~removed)
        if operator is _constants.BRANCH:
            place = self._new()
            self._forks[place] = [self._sequence(list(part), following, flags) for part in argument[1]]
            return place
        if _repeats(operator):
            return self._repeat(argument, following, flags)
        place = self._new()
        if operator is _constants.AT:
            self._conditions[place] = (argument, bool(flags & re.MULTILINE), following)
        else:
            single = _parser.SubPattern(self._state, [(operator, argument)])
            self._tests[place] = (_compiler.compile(single, flags).match, following)
        return place

    def _repeat(self, argument: Any, following: int, flags: int) -> int:
        fewest, most, part = argument
        items = list(part)
        if most == _constants.MAXREPEAT:
            fork = self._new()
            self._forks[fork] = [following]
            self._forks[fork].append(self._sequence(items, fork, flags))
            following = fork
        else:
            after = following
            for _ in range(most - fewest):
                fork = self._new()
                self._forks[fork] = [after, self._sequence(items, following, flags)]
                following = fork
        for _ in range(fewest):
            following = self._sequence(items, following, flags)
        return following


def _holds(condition: Any, lines: bool, before: int, after: int) -> bool:
    if condition is _constants.AT_BEGINNING:
        return before == _NONE or (lines and before == _NEWLINE)
    if condition is _constants.AT_END:
        return after == _NONE or (lines and after == _NEWLINE)
    if condition is _constants.AT_BEGINNING_STRING:
        return before == _NONE
    if condition is _constants.AT_END_STRING:
        return after == _NONE
    at_boundary = (before == _WORD) != (after == _WORD)
    return at_boundary if condition is _constants.AT_BOUNDARY else not at_boundary
