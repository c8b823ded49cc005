"""A mutant: one small deliberate break, kept as a patch whose header says what it breaks, which rule, and which tests catch it."""

import re
from dataclasses import dataclass
from pathlib import Path

from penstock.errors import PenstockError

FOLDER = Path(__file__).parent
DIFF = re.compile(r"^(?:diff --git a/|--- a/)", re.MULTILINE)
CHANGED = re.compile(r"^(?:---|\+\+\+) [ab]/(\S+)", re.MULTILINE)
HEADER = re.compile(
    r"""
    Breaks:\ (?P<breaks>\S.*)\n
    Rule:\ (?P<rule>\S+)\n
    (?P<tests>(?:Caught\ by:\ tests/\S+\.py::test_\w+(?:\[.*\])?\n)+)
    (?:Found\ by:\ (?P<found_by>\S.*)\n)?
    """,
    re.VERBOSE,
)
FORM = (
    "`Breaks: <one line>`, `Rule: <id of rules.toml>`, `Caught by: <tests/….py::test_…>` (a line for each test), "
    "and `Found by: <seed or fault>` if it was a bug"
)


class BadHeader(PenstockError):
    """A patch does not say in the one form what it breaks and what catches it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"tests/mutants/{name}.patch: the lines above the diff are not {FORM}")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One break; `tests` are the pytest node ids that must fail with it, `changed` the files that it touches."""

    name: str
    breaks: str
    rule: str
    tests: tuple[str, ...]
    found_by: str
    changed: tuple[str, ...]

    @property
    def path(self) -> Path:
        """Where the patch stands."""
        return FOLDER / f"{self.name}.patch"


def parse(name: str, text: str) -> Mutant:
    """Read a patch. Raises: BadHeader."""
    diff = DIFF.search(text)
    header = HEADER.fullmatch(text[: diff.start()]) if diff else None
    if diff is None or header is None:
        raise BadHeader(name)
    tests = tuple(line.removeprefix("Caught by: ") for line in header["tests"].splitlines())
    changed = tuple(sorted(set(CHANGED.findall(text[diff.start() :]))))
    return Mutant(name, header["breaks"], header["rule"], tests, header["found_by"] or "", changed)


def load(folder: Path = FOLDER) -> list[Mutant]:
    """Every patch of the folder, by name. Raises: BadHeader."""
    return [parse(path.stem, path.read_text()) for path in sorted(folder.glob("*.patch"))]
