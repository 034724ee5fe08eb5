"""Questions about the objects of a definition, made at random: new objects, changed ones, changes of their status."""

import re
from random import Random

from support.random_objects import Objects, changed_object
from support.validation_peer import Answer, Object, Question, ask_manifold, ask_peer, difference, served_types

SPOILT = (0, 0.02, 0.1, 0.3)
ACCIDENTS = (
    re.compile(r'^FieldValueTypeInvalid \S+: Invalid value: "array": \S+ in body must be of type string: "array"$'),
)
"""What only Manifold refuses, for a reason (docs/compatibility.md): the peer takes a list for a text with a format."""


def questions_about(definition: Object, count: int, seed: int = 1) -> list[Question]:
    """About `count` objects of each served version; every other one is changed, too."""
    random = Random(seed)
    name, spec = definition["metadata"]["name"], definition["spec"]
    types = served_types(definition)
    asked: list[Question] = []
    for version in spec["versions"]:
        if not version["served"]:
            continue
        schema = version["schema"]["openAPIV3Schema"]
        for position in range(count):
            made = Objects(random, schema, SPOILT[position % len(SPOILT)]).make(
                f"{spec['group']}/{version['name']}",
                spec["names"]["kind"],
                "default" if spec["scope"] == "Namespaced" else None,
            )
            asked.append(Question(made, name, version["name"]))
            if position % 2 and not ask_manifold(asked[-1], types[version["name"]]).refused:
                after = changed_object(random, made, random.choice((1, 1, 2, 5)))
                asked.append(Question(after, name, version["name"], former=made))
                if (version.get("subresources") or {}).get("status") is not None:
                    asked.append(Question(after, name, version["name"], former=made, status=True))
    return asked


def without_accidents(ours: Answer, theirs: Answer) -> Answer:
    """Our answer without what only we say on purpose."""
    kept = [
        cause
        for cause in ours.causes
        if cause in theirs.causes or not any(accident.match(cause) for accident in ACCIDENTS)
    ]
    return Answer(ours.refused, ours.unknown, tuple(kept), ours.object)


def differences(definition: Object, questions: list[Question]) -> list[str]:
    """What the two do not agree on about objects of a good definition, each difference as a readable text."""
    types = served_types(definition)
    found = []
    for question, theirs in zip(questions, ask_peer([definition], questions), strict=True):
        ours = without_accidents(ask_manifold(question, types[question.version]), theirs)
        if ours != theirs:
            found.append(difference(question, ours, theirs))
    return found
