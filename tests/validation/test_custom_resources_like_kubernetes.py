"""Custom resources are read and judged as Kubernetes' own validator reads and judges them, in its words."""

import pytest
from featured_definitions import DEFINITIONS
from support.validation_questions import differences, questions_about

COUNT = 300


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda one: one["spec"]["names"]["plural"])
def test_objects_made_at_random(definition):
    found = differences(definition, questions_about(definition, COUNT))
    assert not found, f"{len(found)} differ\n" + "\n".join(found[:5])
