"""What every producer sends, and what must have come of it: each event validated once, as it was sent, under its key."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.kafka.partition import partition_of
from penstock.spec.avro import EVENT_ID, EVENT_TIME_MS, ORIGIN
from penstock.spec.stream import ENVELOPE

PARTITIONS = 4
STATIONS = 20
BEGAN_MS = 1_709_208_000_000  # 2024-02-29T12:00:00Z
READINGS, SIGNALS = "readings", "signals"
TOLD = 3  # problems of one client that are told in full

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sent:
    """A record on events.<stream>, as its producer wrote it. `framing`: how the value reads, such as "JSON"."""

    partition: int
    offset: int
    framing: str


@dataclass(frozen=True, slots=True)
class Validated:
    """A record on validated.<stream>; `fields` has the envelope too."""

    partition: int
    key: bytes | None
    fields: Mapping[str, Any]

    @property
    def origin(self) -> tuple[int, int]:
        """Partition and offset of the record that caused it."""
        return self.fields[ORIGIN]["partition"], self.fields[ORIGIN]["offset"]


@dataclass(frozen=True, slots=True)
class Came:
    """What stands on a stream's topics behind what stood there before a client began. `letters`: code and message of dead letters."""

    sent: Sequence[Sent]
    validated: Sequence[Validated]
    letters: Sequence[str]


def expected(client: str, stream: str, count: int) -> dict[str, tuple[int, Fields]]:
    """Event time (ms) and fields of every event, by id.

    >>> expected("kcat", "signals", 1)["kcat-0"][1]["station"]
    'Zürich-0'
    """
    return {f"{client}-{number}": (BEGAN_MS + 1_000 * number, _fields(client, stream, number)) for number in range(count)}


def _fields(client: str, stream: str, number: int) -> Fields:
    values = {
        "station": f"Zürich-{number % STATIONS}",
        "celsius": -0.25 - number,
        "weather": "schön 🌦",
        "visibility": None,
        "counter": 9_000_000_000 + number,
    }
    own = {"reading_id": f"{client}-{number}", "at": BEGAN_MS + 1_000 * number}
    return values | (own if stream == READINGS else {})


def wrong(client: str, stream: str, count: int, came: Came) -> list[str]:
    """What is not as it should be: the first few in full, and how many more."""
    found = [*_not_taken(count, came), *_not_once(client, stream, count, came), *_not_as_sent(client, stream, count, came)]
    return found if len(found) <= TOLD else [*found[:TOLD], f"and {len(found) - TOLD} more"]


def _not_taken(count: int, came: Came) -> list[str]:
    told = [f"a dead letter: {letter}" for letter in came.letters]
    return told if len(came.sent) == count else [*told, f"{len(came.sent)} records were sent, not {count}"]


def _not_once(client: str, stream: str, count: int, came: Came) -> list[str]:
    times = Counter(event.fields[EVENT_ID] for event in came.validated)
    should = dict.fromkeys(times, 0) | dict.fromkeys(expected(client, stream, count), 1)
    return [f"{id} was validated {times[id]} times, not {once}" for id, once in sorted(should.items()) if times[id] != once]


def _not_as_sent(client: str, stream: str, count: int, came: Came) -> list[str]:
    events, sent = expected(client, stream, count), {(one.partition, one.offset) for one in came.sent}
    known = [event for event in came.validated if event.fields[EVENT_ID] in events]
    found = [problem for event in known for problem in _differs(event, *events[event.fields[EVENT_ID]])]
    return found + [f"{event.fields[EVENT_ID]} has the origin of another record" for event in known if event.origin not in sent]


def _differs(event: Validated, time_ms: int, fields: Fields) -> list[str]:
    """How one event differs from what was sent. The producer's own partition is looked at too: all must agree which one is a key's."""
    key = fields["station"].encode()
    place = partition_of(key, PARTITIONS)
    seen = {
        "time": (event.fields[EVENT_TIME_MS], time_ms),
        "key": (event.key, key),
        "partition": (event.partition, place),
        "partition at its producer": (event.origin[0], place),
    }
    own = {name: value for name, value in event.fields.items() if name not in ENVELOPE}
    seen |= {name: (own.get(name, "absent"), fields.get(name, "undeclared")) for name in own.keys() | fields.keys()}
    id = event.fields[EVENT_ID]
    return [f"{id}: {name} is {is_so!r}, not {should!r}" for name, (is_so, should) in sorted(seen.items()) if is_so != should]


def framings(came: Came) -> str:
    """The formats in which records came.

    >>> framings(Came([Sent(0, 0, "JSON"), Sent(0, 1, "JSON"), Sent(1, 0, "Avro")], [], []))
    'Avro, JSON'
    """
    return ", ".join(sorted({one.framing for one in came.sent}))


def framing_of(value: bytes | None, headers: Sequence[tuple[str, bytes | None]]) -> str:
    """How a record is written, by its first byte, and whether its headers are those of a CloudEvent.

    >>> framing_of(b'{"a": 1}', [("ce_id", b"1")]), framing_of(bytes(9), []), framing_of(None, [])
    ('JSON as CloudEvents', 'Avro', 'neither JSON nor Avro')
    """
    kind = {b"{": "JSON", b"\x00": "Avro"}.get((value or b"")[:1], "neither JSON nor Avro")
    return f"{kind} as CloudEvents" if any(name == "ce_id" for name, _ in headers) else kind
