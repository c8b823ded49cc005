"""Which dead letters wait, which were sent again, and what they have in common: one pass over a dead-letter topic."""

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple

from penstock.deadletters.letters import Letter, Note, Place

NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which letters are meant: all that fit everything given. Times are append times of letters, in ms; `since` is included."""

    codes: frozenset[str] = frozenset()
    key: bytes | None = None
    source: str | None = None
    message: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None

    def takes(self, letter: Letter) -> bool:
        """Whether the letter is meant; `source` may hold * and ?, `message` is a part of it."""
        return (
            (not self.codes or letter.code in self.codes)
            and (self.key is None or letter.key == self.key)
            and (self.source is None or fnmatchcase(letter.source or "", self.source))
            and (self.message is None or self.message in letter.message)
            and (self.since_ms is None or letter.time_ms >= self.since_ms)
            and (self.until_ms is None or letter.time_ms < self.until_ms)
        )


class Kind(NamedTuple):
    """What letters of one cause have in common; `message` is without its numbers where letters of a code differ in nothing else."""

    topic: str
    code: str
    message: str


@dataclass(slots=True)
class Group:
    """The letters of one kind: how many wait, how many were sent again and did not come back, when, and one of them to look at."""

    example: Letter
    first_ms: int
    last_ms: int
    waiting: int = 0
    sent_again: int = 0
    messages: set[str] = field(default_factory=set)

    def add(self, letter: Letter, waits: bool) -> None:
        """Count a letter."""
        self.first_ms, self.last_ms = min(self.first_ms, letter.time_ms), max(self.last_ms, letter.time_ms)
        self.waiting += waits
        self.sent_again += not waits
        self.messages = {*self.messages, letter.message} if len(self.messages) < 2 else self.messages


class _Entry(NamedTuple):
    """The newest letter of a root."""

    at: Place
    attempt: int


class Book:
    """What is known of each root: its newest letter, and the highest attempt that was sent.

    A letter waits until a note says that its record was sent again, and waits again when a letter of that attempt has come. A worker that
    crashed may have written the same letter twice: the last one counts. Memory: some 300 bytes for each record that was ever refused.

    Take every letter and note of a topic, in the order of its partitions; then ask.
    """

    def __init__(self) -> None:
        self._newest: dict[Place, _Entry] = {}
        self._sent: dict[str, int] = {}

    def take(self, entry: Letter | Note) -> None:
        """Note one record of the topic."""
        if isinstance(entry, Note):
            for root, attempt in entry.attempts.items():
                self._sent[root] = max(attempt, self._sent.get(root, 0))
        elif (known := self._newest.get(entry.root)) is None or entry.attempt >= known.attempt:
            self._newest[entry.root] = _Entry(entry.at, entry.attempt)

    def is_newest(self, letter: Letter) -> bool:
        """Whether no later letter speaks of the same record."""
        entry = self._newest.get(letter.root)
        return entry is not None and entry.at == letter.at

    def waits(self, letter: Letter) -> bool:
        """Whether the letter is the newest of its record, which has not been sent again since."""
        return self.is_newest(letter) and self._sent.get(str(letter.root), 0) <= letter.attempt


class Groups:
    """Letters by kind: the newest of each record, as a book knows them."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._groups: dict[Kind, Group] = {}

    def take(self, letter: Letter) -> None:
        """Count a letter, if no later one speaks of its record."""
        if self._book.is_newest(letter):
            kind = Kind(letter.of.topic, letter.code, NUMBER.sub("#", letter.message))
            group = self._groups.setdefault(kind, Group(letter, letter.time_ms, letter.time_ms))
            group.add(letter, self._book.waits(letter))

    def ordered(self) -> list[tuple[Kind, Group]]:
        """Those with most letters that wait first; where all have one message, with its numbers."""
        ordered = sorted(self._groups.items(), key=lambda item: (-item[1].waiting, -item[1].sent_again, item[0]))
        return [(kind._replace(message=min(group.messages)) if len(group.messages) == 1 else kind, group) for kind, group in ordered]
