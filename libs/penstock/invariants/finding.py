"""What an invariant was found to be: how much was checked, and the first places where it does not hold."""

from collections.abc import Iterable
from dataclasses import dataclass, field

BREAKS_KEPT_MAX = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """An invariant by its name (design §13): `checked` says over how many things, `broken` names the first breaks, `breaks` counts all.

    `note` says what could not be checked, and why.
    """

    name: str
    checked: int
    broken: tuple[str, ...] = ()
    breaks: int = 0
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether no break was found."""
        return not self.breaks


@dataclass(slots=True)
class Breaks:
    """Collects what was checked and what was broken; only the first few breaks are kept in words."""

    name: str
    checked: int = 0
    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, where: str) -> None:
        """Note one break: which topic, partition and offset, and what."""
        self.count += 1
        if len(self.first) < BREAKS_KEPT_MAX:
            self.first.append(where)

    def expect(self, holds: bool, where: str) -> None:
        """Check one thing."""
        self.checked += 1
        if not holds:
            self.add(where)

    def finding(self, note: str = "") -> Finding:
        """The finding so far."""
        return Finding(self.name, self.checked, tuple(self.first), self.count, note)


def joined(findings: Iterable[Finding]) -> list[Finding]:
    """One finding for each name, in the order in which the names first come.

    >>> joined([Finding("finite", 2), Finding("finite", 3, ("a",), 1)])
    [Finding(name='finite', checked=5, broken=('a',), breaks=1, note='')]
    """
    named: dict[str, list[Finding]] = {}
    for each in findings:
        named.setdefault(each.name, []).append(each)
    return [_join(name, parts) for name, parts in named.items()]


def _join(name: str, parts: list[Finding]) -> Finding:
    broken = tuple(where for part in parts for where in part.broken)[:BREAKS_KEPT_MAX]
    notes = dict.fromkeys(part.note for part in parts if part.note)
    return Finding(name, sum(part.checked for part in parts), broken, sum(part.breaks for part in parts), "; ".join(notes))
