"""The differences that the documents name are those of exchanges that were recorded.

Needs the environment variable MANIFOLD_SHARED, which names the folder of recordings.
"""

import os
import re
from pathlib import Path

import yaml

SHARED = os.environ["MANIFOLD_SHARED"]
RECORDINGS = sorted((Path(SHARED) / "reference" / "wire").glob("k*.yaml"))
DOCUMENT = Path(__file__).parents[2] / "docs" / "compatibility.md"
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_OTHER_WORDS = {"ping", "log", "store", "shutdown", "orphan", "use", "extend", "root", "continue"}


def test_named_differences_are_recorded_exchanges():
    recorded: set[str] = set()
    for path in RECORDINGS:
        with path.open() as stream:
            recorded.update(one.get("name", "") for one in yaml.load(stream, Loader=yaml.CSafeLoader)["exchanges"])
    section = DOCUMENT.read_text().split("\n## Exchanges that differ\n")[1]
    named = {word for word in re.findall(r"`([^`\n]+)`", section) if _NAME.fullmatch(word)} - _OTHER_WORDS
    assert len(named) > 90
    assert named - recorded == set()
