"""What Kubernetes' own packages say of definitions and custom resources, and what Manifold says of the same.

The peer is a Go program made of `k8s.io/apiextensions-apiserver` (tests/validation/peer). Both sides answer a question
with an `Answer`, so that a test compares two values. Rules in CEL are asked of neither.
"""

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manifold.base.errors import StatusError
from manifold.base.fields import FieldError
from manifold.schema import json_documents
from manifold.types import metadata as metadata_rules
from manifold.types.apiextensions.custom_types import custom_types
from manifold.types.apiextensions.definitions import CUSTOM_RESOURCE_DEFINITIONS
from manifold.types.resource import ResourceType
from support.go_programs import build

SOURCES = Path(__file__).parents[1] / "validation" / "peer"
RULES = "x-kubernetes-validations"
Object = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """Whether a body is refused as a whole; else what of it is unknown, what is wrong with it, and what it became."""

    refused: bool = False
    unknown: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    object: Object | None = None


@dataclass(frozen=True)
class Question:
    """About an object of a version of a definition (its name), or about a definition itself (`of` is empty).

    `former` is what it replaces; `status` that it is written through that subresource.
    """

    object: Object
    of: str = ""
    version: str = ""
    former: Object | None = None
    status: bool = False

    def asked(self) -> Object:
        """The line the peer reads."""
        if not self.of:
            return {"definition": self.object, **({"former": self.former} if self.former else {})}
        more = {"former": self.former, "status": self.status} if self.former else {}
        return {"of": self.of, "version": self.version, "object": self.object, **more}


def without_rules(value: Any) -> Any:
    """A copy without rules in CEL."""
    if isinstance(value, dict):
        return {name: without_rules(child) for name, child in value.items() if name != RULES}
    return [without_rules(child) for child in value] if isinstance(value, list) else value


def ask_peer(definitions: Iterable[Object], questions: Iterable[Question]) -> list[Answer]:
    """The peer's answers, with these definitions kept by their names. They must be good."""
    program = build(SOURCES, ".", "validation_peer")
    kept = [{"keep": one["metadata"]["name"], "definition": one} for one in definitions]
    lines = [json.dumps(line) for line in (*kept, *(question.asked() for question in questions))]
    done = subprocess.run([program], input="\n".join(lines), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    for definition, said in zip(kept, answers, strict=False):
        assert not said, (definition["keep"], said)
    return [_answer(said) for said in answers[len(kept) :]]


def _answer(said: Object) -> Answer:
    if "refused" in said:
        return Answer(refused=True)
    found = (f"{one['reason']} {one['field']}: {one['message']}" for one in said.get("causes") or ())
    return Answer(
        unknown=tuple(said.get("unknown") or ()),
        causes=tuple(sorted(found)),
        object=_content(said.get("object")),
    )


def _content(obj: Object | None) -> Object | None:
    return obj and {name: value for name, value in obj.items() if name != "metadata"}


def served_types(definition: Object) -> dict[str, ResourceType]:
    """The types of a definition that is good, by their version."""
    made = _parsed(definition)
    strategy = CUSTOM_RESOURCE_DEFINITIONS.strategy
    CUSTOM_RESOURCE_DEFINITIONS.codec.normalize(made)
    strategy.default(made)
    made["status"] = {"acceptedNames": made["spec"]["names"]}
    return {kind.version: kind for kind in custom_types(made, "").served}


def _parsed(value: Any) -> Object:
    """A value as a body brings it."""
    obj: Object = json_documents.parse(json.dumps(value).encode())[0]
    return obj


def _told(errors: list[FieldError]) -> tuple[str, ...]:
    return tuple(sorted(f"{error.reason} {error.field}: {error.message}" for error in errors))


def ask_manifold(question: Question, kind: ResourceType = CUSTOM_RESOURCE_DEFINITIONS) -> Answer:
    """Manifold's answer about an object of `kind`."""
    obj = _parsed(question.object)
    try:
        problems = kind.codec.normalize(obj)
    except StatusError:
        return Answer(refused=True)
    strategy = kind.strategy
    strategy.default(obj)
    if question.former is None:
        strategy.prepare_create(obj)
        errors = metadata_rules.validate_create(obj["metadata"], kind.namespaced, kind.check_name, kind.custom)
        errors += strategy.validate_create(obj)
    else:
        errors = _changed(question, kind, obj)
    if not question.of:
        return Answer(causes=_told(errors))
    unknown = (problem.removeprefix('unknown field "')[:-1] for problem in problems)
    return Answer(unknown=tuple(unknown), causes=_told(errors), object=_content(obj))


def _changed(question: Question, kind: ResourceType, obj: Object) -> list[FieldError]:
    former = _parsed(question.former)
    kind.codec.normalize(former)
    kind.strategy.default(former)
    if not question.of:
        kind.strategy.prepare_create(former)
        former["status"]["conditions"] = [{"type": "Established", "status": "True"}]
    part = kind.subresources["status"] if question.status else kind.strategy
    part.prepare_update(obj, former)
    errors = metadata_rules.validate_update(obj["metadata"], former["metadata"], kind.custom)
    return errors + part.validate_update(obj, former)


def difference(question: Question, ours: Answer, theirs: Answer) -> str:
    """What two answers to a question do not agree on, to be read."""
    lines = [f"{question.of or 'definition'} {question.version}{' status' if question.status else ''}"]
    lines.append(f"  object {json.dumps(question.object)}")
    if question.former is not None:
        lines.append(f"  former {json.dumps(question.former)}")
    if ours.refused != theirs.refused:
        lines.append(f"  refused as a whole: ours {ours.refused}, theirs {theirs.refused}")
    for name, mine, other in (("cause", ours.causes, theirs.causes), ("unknown", ours.unknown, theirs.unknown)):
        lines += [f"  only ours, {name}: {text}" for text in mine if mine.count(text) > other.count(text)]
        lines += [f"  only theirs, {name}: {text}" for text in other if other.count(text) > mine.count(text)]
    if ours.object != theirs.object:
        lines.append(f"  ours   {json.dumps(ours.object, sort_keys=True)}")
        lines.append(f"  theirs {json.dumps(theirs.object, sort_keys=True)}")
    return "\n".join(lines)
