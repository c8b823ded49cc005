"""What is wrong with a specification: collected, put in the order of the file, and raised all at once."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import NamedTuple

from penstock.errors import UsageError

Path = tuple[str | int, ...]


class SpecError(UsageError):
    """A specification, or a part of one, that is refused; one line per problem."""

    def __init__(self, problems: Sequence[str] | str) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class Problem(NamedTuple):
    """One thing that is wrong, at a place of the file (line and column from 1; 0 when there is no file)."""

    line: int
    column: int
    path: Path
    message: str
    cure: str


class Problems:
    """Collects problems while a document is read."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._found: list[Problem] = []

    def __len__(self) -> int:
        return len(self._found)

    def add(self, position: tuple[int, int], path: Path, message: str, cure: str = "") -> None:
        """Note one problem; `cure` says what to write instead."""
        self._found.append(Problem(*position, path, message, cure))

    def raise_if_any(self) -> None:
        """Raises: SpecError with every problem, in the order of the file."""
        if self._found:
            raise SpecError([self._line(problem) for problem in sorted(set(self._found), key=lambda problem: problem[:2])])

    def _line(self, problem: Problem) -> str:
        place = f"{self._source}:{problem.line}:{problem.column}" if problem.line else self._source
        path = f"{format_path(problem.path)}: " if problem.path else ""
        return f"{place}: {path}{problem.message}" + (f". Try: {problem.cure}" if problem.cure else "")


def format_path(path: Path) -> str:
    """`models.a.drift.detectors[0].signal` for a path of keys and indices."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def nearest(word: str, known: Sequence[str]) -> str:
    """The known word that `word` most likely meant, or nothing."""
    return next(iter(get_close_matches(word, known, n=1, cutoff=0.5)), "")


def quoted(word: object) -> str:
    """A word of the user's, quoted and cut short."""
    text = str(word)
    return f'"{text if len(text) <= 60 else text[:57] + "..."}"'
