"""Definitions are accepted and refused as Kubernetes' own validator does it, in its words."""

import copy
import re
from dataclasses import replace
from random import Random

import pytest
from mistaken_definitions import CHANGES, DEFINITIONS, LIVE
from support.random_objects import changed
from support.random_schemas import random_definition
from support.validation_peer import Answer, Question, ask_manifold, ask_peer, difference

ACCIDENTS = (
    re.compile(r'FieldValueTypeInvalid \S+: Invalid value: "\w+": \S* ?in body must be of type integer,string: '),
)
"""What only Manifold refuses, for a reason (docs/compatibility.md): defaults that are neither number nor text."""
INSIDE_OF_A_SERVER = re.compile(
    r"Invalid value: .*: (only \[|must contain unique|must have exactly one version|must only have a single schema)"
)
"""Errors that show a structure of Kubernetes' memory."""
WRONG = (0, 0.05, 0.15, 0.3)


def comparable(ours: Answer, theirs: Answer) -> tuple[Answer, Answer]:
    kept = [
        cause
        for cause in ours.causes
        if cause in theirs.causes or not any(accident.match(cause) for accident in ACCIDENTS)
    ]
    return _shortened(replace(ours, causes=tuple(kept))), _shortened(theirs)


def _shortened(said: Answer) -> Answer:
    return replace(
        said, causes=tuple(sorted(INSIDE_OF_A_SERVER.sub(r"Invalid value: \1", text) for text in said.causes))
    )


def differences(questions):
    found = []
    for question, answer in zip(questions, ask_peer([], questions), strict=True):
        ours, theirs = comparable(ask_manifold(question), answer)
        if ours != theirs:
            found.append(difference(question, ours, theirs))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_schemas_made_at_random(seed):
    random = Random(seed)
    asked = [Question(random_definition(random, WRONG[position % len(WRONG)])) for position in range(400)]
    found = differences(asked)
    assert not found, f"{len(found)} differ\n" + "\n".join(found[:5])


@pytest.mark.parametrize("seed", range(2))
def test_schemas_that_change_at_random(seed):
    random = Random(seed)
    live = [random_definition(random, 0.02) for _ in range(400)]
    live = [made for made in live if not ask_manifold(Question(made)).causes]
    asked = []
    for made in live:
        after = copy.deepcopy(made)
        version = random.choice(after["spec"]["versions"])
        kind = random.randrange(3)
        if kind == 0:
            after = random_definition(random, 0.1)
        elif kind == 1:
            version["schema"]["openAPIV3Schema"] = changed(random, version["schema"]["openAPIV3Schema"], 1)
        else:
            after["spec"] = changed(random, after["spec"], 1)
        asked.append(Question(after, former=made))
    found = differences(asked)
    assert not found, f"{len(found)} differ\n" + "\n".join(found[:5])


def test_mistakes():
    found = differences([Question(definition) for definition in DEFINITIONS])
    assert not found, f"{len(found)} differ\n" + "\n".join(found)


def test_changes():
    found = differences([Question(definition, former=LIVE) for definition in CHANGES])
    assert not found, f"{len(found)} differ\n" + "\n".join(found)
