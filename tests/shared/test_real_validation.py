"""Objects of real definitions, made at random, are read and judged as Kubernetes' own validator does, in its words."""

import json
import os
from functools import cache
from pathlib import Path

import pytest
import yaml
from support.validation_peer import without_rules
from support.validation_questions import differences, questions_about

FOLDER = Path(os.environ["MANIFOLD_SHARED"], "data", "crds")
COUNT = 60


class _Loader(yaml.CSafeLoader):
    """YAML as Kubernetes reads it: `=` and times are text."""


_Loader.yaml_implicit_resolvers = {
    first: [each for each in resolvers if not each[0].endswith((":value", ":timestamp"))]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


@cache
def definitions():
    """All definitions with the file they are in, without their rules in CEL."""
    return [
        pytest.param(without_rules(json.loads(json.dumps(one))), id=f"{file.parent.name}/{file.stem}")
        for file in sorted(FOLDER.glob("*/*.yaml"))
        for one in yaml.load_all(file.read_bytes(), _Loader)
        if one and one["kind"] == "CustomResourceDefinition"
    ]


def test_there_are_many():
    assert len(definitions()) >= 39


@pytest.mark.parametrize("definition", definitions())
def test_objects_made_at_random(definition):
    found = differences(definition, questions_about(definition, COUNT))
    assert not found, f"{len(found)} differ\n" + "\n".join(found[:5])
