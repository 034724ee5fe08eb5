"""The project's documents as data: their headings, links, tables' words and fenced blocks.

What is written in them is held against the code by the tests beside this module, so that a document cannot go on
saying what no longer is. A fenced block in the language `console` is run as it stands (see `terminal`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path for pattern in ("*.md", "docs/**/*.md") for path in ROOT.glob(pattern) if ".venv" not in path.parts
)
_FENCE = re.compile(r"^(```+)\s*(\S*).*$")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, its lines, and the number of its first line in the document."""

    document: Path
    language: str
    line: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a console block, with the lines of output the document shows for it."""

    command: str
    output: tuple[str, ...]


def name(document: Path) -> str:
    """A document as people call it: its path in the project; the whole path of one from elsewhere."""
    return (document.relative_to(ROOT) if document.is_relative_to(ROOT) else document).as_posix()


def text(document: str) -> str:
    """The text of a document of the project."""
    return (ROOT / document).read_text()


def blocks(document: Path) -> list[Block]:
    """The fenced blocks of a document, in order."""
    found: list[Block] = []
    opened: tuple[str, str, int] | None = None
    lines: list[str] = []
    for number, line in enumerate(document.read_text().splitlines(), 1):
        fence = _FENCE.match(line)
        if opened is None:
            if fence:
                opened, lines = (fence[1], fence[2], number + 1), []
        elif fence and fence[1] == opened[0] and not fence[2]:
            found.append(Block(document, opened[1], opened[2], tuple(lines)))
            opened = None
        else:
            lines.append(line)
    assert opened is None, f"{name(document)}: the block opened before line {opened[2]} is never closed"
    return found


def prose(document: Path) -> str:
    """A document without its fenced blocks."""
    skipped = {
        number for block in blocks(document) for number in range(block.line - 1, block.line + len(block.lines) + 1)
    }
    lines = document.read_text().splitlines()
    return "\n".join(line for number, line in enumerate(lines, 1) if number not in skipped)


def steps(block: Block) -> list[Step]:
    """The commands of a console block: `$ ` begins one, `> ` goes on with it, everything else is output."""
    found: list[tuple[list[str], list[str]]] = []
    for line in block.lines:
        if line.startswith("$ "):
            found.append(([line[2:]], []))
        elif f"{line} ".startswith("> ") and found and not found[-1][1]:
            found[-1][0].append(line[2:])
        else:
            assert found, f"{name(block.document)}:{block.line}: a console block begins with a command"
            found[-1][1].append(line)
    return [Step("\n".join(command), tuple(output)) for command, output in found]


def links(document: Path) -> Iterator[tuple[str, str]]:
    """The links of a document that stay in the project: path as written (may be empty), and anchor."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(document)):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            yield path, anchor


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", prose(document), re.M):
        plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).strip().replace(" ", "-")
        found.add(plain)
    return found


def code_words(document: str) -> set[str]:
    """Everything a document sets as code, in its prose and tables."""
    return set(re.findall(r"`([^`\n]+)`", prose(ROOT / document)))
