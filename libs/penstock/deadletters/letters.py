"""What stands on a dead-letter topic: letters, and notes of what was sent again."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from penstock.fold.poison import DROPPED, opened
from penstock.fold.protocol import Header, Record
from penstock.framing.cloudevents import source_of

REPLAY_OF = "__dlq.replay.of"
REPLAY_ATTEMPT = "__dlq.replay.attempt"
NOTE = "__dlq.replay.sent"
DIGITS_MAX = 19  # of an offset; Python reads no number of some thousand digits


class Place(NamedTuple):
    """Where a record stands.

    >>> Place.read("events.weather:0:17")
    Place(topic='events.weather', partition=0, offset=17)
    >>> str(Place("events.weather", 0, 17)), Place.read("weather:17"), Place.read("weather:0:x")
    ('events.weather:0:17', None, None)
    """

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}:{self.partition}:{self.offset}"

    @classmethod
    def read(cls, text: str) -> "Place | None":
        """The place that a text names; None if it names none."""
        topic, *numbers = text.rsplit(":", 2)
        if not topic or len(numbers) != 2 or not all(map(_is_number, numbers)):
            return None
        return cls(topic, int(numbers[0]), int(numbers[1]))


@dataclass(frozen=True, slots=True)
class Letter:
    """A record that was refused: its bytes and headers as they were, where it stood, and why.

    `at` is the place of the letter, `of` that of the record. A record that had been sent again carries its root, the place where it stood
    first, through all its attempts: so many there were before this letter was written. `dropped`: it was too large for a letter.
    """

    at: Place
    time_ms: int
    of: Place
    root: Place
    attempt: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]
    reasons: dict[str, str]

    @property
    def code(self) -> str:
        """Why, as a stable code."""
        return self.reasons["code"]

    @property
    def message(self) -> str:
        """Why, in words."""
        return self.reasons["message"]

    @property
    def dropped(self) -> bool:
        """Whether the bytes are not here."""
        return DROPPED in self.reasons

    @property
    def source(self) -> str | None:
        """Who sent the record, as CloudEvents says it."""
        return source_of(self.headers, self.value)

    def again(self) -> list[Header]:
        """The headers to send the record again with: its own, its root, and which attempt it is."""
        return [*self.headers, (REPLAY_OF, str(self.root).encode()), (REPLAY_ATTEMPT, str(self.attempt + 1).encode())]


@dataclass(frozen=True, slots=True)
class Note:
    """That records were sent again and acknowledged: which attempt it was, by the root of each."""

    attempts: dict[str, int]

    def headers(self) -> list[Header]:
        """What marks a note among letters."""
        return [(NOTE, b"1")]

    def value(self) -> bytes:
        """The note as it stands on the topic."""
        return json.dumps(self.attempts).encode()

    @classmethod
    def read(cls, record: Record) -> Self:
        """The note in a record; one that nobody can read says nothing."""
        try:
            attempts = json.loads(record.value or b"")
        except (ValueError, RecursionError):
            attempts = None
        found = attempts.items() if isinstance(attempts, dict) else ()
        return cls({root: attempt for root, attempt in found if type(attempt) is int})


def read(record: Record) -> Letter | Note | None:
    """What a record of a dead-letter topic is; None if it is neither a letter nor a note."""
    parts = opened(record.headers)
    if parts is None:
        return Note.read(record) if any(name == NOTE for name, _ in record.headers) else None
    headers, reasons = parts
    of = Place.read(":".join(reasons[name] for name in ("topic", "partition", "offset")))
    if of is None:
        return None
    own, root, attempt = _replayed(headers)
    at = Place(record.topic, record.partition, record.offset)
    return Letter(at, record.timestamp, of, root or of, attempt, record.key, record.value, own, reasons)


def _replayed(headers: Sequence[Header]) -> tuple[tuple[Header, ...], Place | None, int]:
    """The headers that a record came with first, its root and attempt; None and 0 if it has not been sent again."""
    if [name for name, _ in headers[-2:]] != [REPLAY_OF, REPLAY_ATTEMPT]:
        return tuple(headers), None, 0
    root, attempt = ((value or b"").decode(errors="replace") for _, value in headers[-2:])
    place = Place.read(root)
    if place is None or not _is_number(attempt):
        return tuple(headers), None, 0
    return tuple(headers[:-2]), place, int(attempt)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= DIGITS_MAX
