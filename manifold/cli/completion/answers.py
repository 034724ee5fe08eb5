"""An answer to Tab, and how it is written: a line per choice, then a line that tells the shell how to take them.

The form is that of Cobra (`value<TAB>description` lines, `:<directive>` at the end), as kubectl reads it from the
programs named `kubectl_complete-...`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

NO_SPACE = 2
"""Directive: nothing is put behind what was completed, because more of the word may follow."""
NO_FILES = 4
"""Directive: where there are no choices, names of files are none either."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A word that could be meant, and what it is in a few words (may be empty)."""

    value: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The choices, in order, and the directive: a sum of NO_SPACE and NO_FILES."""

    choices: tuple[Choice, ...] = ()
    directive: int = NO_FILES


FILES = Answer(directive=0)
"""Names of files are what is meant."""


def matching(choices: Iterable[Choice], begun: str, directive: int = NO_FILES) -> Answer:
    """The choices that begin with what has been typed; of equal words the first."""
    found: dict[str, Choice] = {}
    for choice in choices:
        if choice.value.startswith(begun):
            found.setdefault(choice.value, choice)
    return Answer(tuple(found.values()), directive)


def written(answer: Answer) -> str:
    """An answer as lines of text."""
    lines = []
    for choice in answer.choices:
        description = " ".join(choice.description.split())
        lines.append(f"{choice.value}\t{description}" if description else choice.value)
    return "\n".join([*lines, f":{answer.directive}"])
