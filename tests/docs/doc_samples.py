"""The code samples of the documentation: README.md and docs/*.md, in the order in which they stand.

A comment `<!-- sample: ... -->`, which no page shows, can stand above a block:

- `exits 0 1`: the exit codes of the commands of a console block, in order; 0 where nothing is said;
- `file NAME`: a TOML block is this file;
- `before`, a line break, and Python: what a reader has done before, run first.

Nothing is skipped by a comment. What cannot run is said by the tests themselves, with its reason.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>[\w{}-]*)[^\n]*\n(?P<body>.*?)^ *```", re.M | re.S
)
COMMENT = re.compile(r"<!-- sample: (?P<said>(?:(?!-->).)*?)\s*-->\s*\Z", re.S)
RUN = ("python", "console", "toml")
SHOWN = ("text", "json", "bibtex")
"""Blocks in these languages are no program: what a file or an answer looks like."""


@dataclass(frozen=True)
class Sample:
    """One fenced block."""

    page: str
    line: int
    language: str
    body: str
    said: str = ""

    @property
    def id(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def before(self) -> str:
        """Python that a reader has run before, nothing where there is none."""
        return self.said.removeprefix("before").strip() if self.said.startswith("before") else ""

    @property
    def exits(self) -> list[int]:
        found = re.search(r"exits ([\d ]+)", self.said)
        return [int(code) for code in found[1].split()] if found else []

    @property
    def file(self) -> str:
        found = re.search(r"file (\S+)", self.said)
        return found[1] if found else ""


@dataclass
class Page:
    """A page with its samples."""

    name: str
    samples: list[Sample] = field(default_factory=list)


def pages() -> list[Page]:
    """Return every page of the documentation that has a sample to run."""
    paths = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    found = [Page(str(path.relative_to(ROOT)), samples_of(path)) for path in paths]
    return [page for page in found if any(s.language in RUN for s in page.samples)]


def samples_of(path: Path) -> list[Sample]:
    """Return the fenced blocks of a file that are no directives."""
    text = path.read_text(encoding="utf-8")
    name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name
    found = []
    for match in FENCE.finditer(text):
        if match["language"].startswith("{"):
            continue
        said = COMMENT.search(text[: match.start()])
        line = text[: match.start()].count("\n") + 1
        body = "".join(
            row.removeprefix(match["indent"]) for row in match["body"].splitlines(keepends=True)
        )
        found.append(Sample(name, line, match["language"], body, said["said"] if said else ""))
    return found


def commands_of(sample: Sample) -> list[str]:
    """Return what a console block types after its `$`, several on one line apart; comments are the shell's."""
    lines = [line[2:] for line in sample.body.splitlines() if line.startswith("$ ")]
    return [part.strip() for line in lines for part in line.split(" #")[0].split(";")]
