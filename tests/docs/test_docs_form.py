"""Documents hold together: links lead somewhere, decisions are numbered and listed, no path of a machine is named."""

import re
from itertools import pairwise

import pytest
from documents import DOCUMENTS, ROOT, anchors, links, name, prose, text

DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
WANTED = {
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    *(
        f"docs/{one}.md"
        for one in ("api", "architecture", "clients", "compatibility", "metrics", "operations", "performance")
    ),
    *(f"docs/{one}.md" for one in ("settings", "workspaces", "workspaces-cli", "apis-cli", "decisions/README")),
    *(f"docs/{one}.md" for one in ("providers", "consumers", "terminology")),
}
_MACHINE = re.compile(r"(?<![\w.])/(?:work|home|root|tmp|mnt|Users|var)/")


def test_the_documents_are_there():
    assert {name(document) for document in DOCUMENTS} >= WANTED


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_lead_somewhere(document):
    for path, anchor in links(document):
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), f"{name(document)}: {path} is not there"
        assert target.is_relative_to(ROOT), f"{name(document)}: {path} leads out of the project"
        if anchor:
            assert anchor in anchors(target), f"{name(document)}: no heading {anchor} in {name(target)}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_one_title_and_no_leap_between_headings(document):
    levels = [len(marks) for marks in re.findall(r"^(#+) ", prose(document), re.M)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_no_paths_of_a_machine(document):
    found = _MACHINE.findall(document.read_text())
    assert not found, f"{name(document)}: {found}"


def test_every_document_is_reached_from_the_readme():
    seen, waiting = set(), [ROOT / "README.md"]
    while waiting:
        document = waiting.pop()
        if document in seen:
            continue
        seen.add(document)
        waiting += [(document.parent / path).resolve() for path, _ in links(document) if path.endswith(".md")]
    assert set(DOCUMENTS) <= seen


def test_decisions_are_numbered_dated_and_listed():
    index = text("docs/decisions/README.md")
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    for path in DECISIONS:
        lines = path.read_text().splitlines()
        title = lines[0].removeprefix("# ")
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", lines[2]), f"{path.name}: no date below the title"
        assert f"| [{path.name[:4]}]({path.name}) | {title} |" in index, f"{path.name} is not listed by its title"
        for part in ("Question", "Decision", "Why", "What else there was", "Price"):
            assert f"\n**{part}.** " in path.read_text(), f"{path.name}: no {part}"


def test_targets_of_the_readme_are_in_the_makefile():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for document in ("README.md", "CONTRIBUTING.md"):
        named = set(re.findall(r"`make ([a-z-]+)", text(document)))
        assert named
        assert named <= targets
