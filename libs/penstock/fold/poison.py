"""Law V, poison is skipped: one step of a fold with every record that can never be folded turned into a dead letter."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from penstock.fold.protocol import Effect, Fold, Header, Output, Poison, Record

MESSAGE_BYTES_MAX = 1_000
LETTER_BYTES_MAX = 2_000_000  # dead-letter topics take more than others, for the headers
RECORD_OVERHEAD_BYTES = 70  # of one record in a batch, at most (Kafka's message format 2)
PREFIX = "__dlq.errors."
REASONS = ("topic", "partition", "offset", "group", "exception", "message", "code", "service", "timestamp")
DROPPED = "dropped"

Caused = list[Output | Effect]


class TooLarge(Poison):
    """An output that no topic takes: its input is poison, and none of that input's outputs are sent."""

    def __init__(self, output: Output, limit_bytes: int) -> None:
        super().__init__("output_too_large", f"an output for {output.topic} has {size_bytes(output)} bytes; the limit is {limit_bytes}")


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Where the dead letters of one worker go, and what is written on them.

    `topics` names the dead-letter topic of every input and how many partitions it has.
    """

    topics: Mapping[str, tuple[str, int]]
    group: str
    service: str
    wall_ms: Callable[[], int]

    def letter(self, record: Record, poison: Poison) -> Output:
        """The record untouched, with headers that say where it stood and why it was refused.

        The message is the poison's reason, at most 1 kB; who raises Poison keeps the record's values out of it. Source: KIP-1191 for the
        names of the headers (`__dlq.errors.*`); code, service and timestamp are ours.
        """
        topic, partitions = self.topics[record.topic]
        place = (record.topic, record.partition, record.offset)
        errors = (*place, self.group, type(poison).__name__, poison.reason, poison.code, self.service, self.wall_ms())
        headers = [(PREFIX + name, _text(value)) for name, value in zip(REASONS, errors, strict=True)]
        letter = Output(topic, record.partition % partitions, record.key, record.value, [*record.headers, *headers])
        return letter if size_bytes(letter) <= LETTER_BYTES_MAX else _cut(letter, headers)


def opened(headers: Sequence[Header]) -> tuple[list[Header], dict[str, str]] | None:
    """What `letter` has put together: the record's own headers, and the reasons by name; None if these are no letter's headers.

    Only the last headers are ours: a record may have come with some of the same names.
    """
    dropped = [(DROPPED, headers[-1][1])] if headers and headers[-1][0] == PREFIX + DROPPED else []
    end = len(headers) - len(dropped)
    ours = headers[max(0, end - len(REASONS)) : end]
    if [name for name, _ in ours] != [PREFIX + name for name in REASONS]:
        return None
    named = [*zip(REASONS, (value for _, value in ours), strict=True), *dropped]
    return list(headers[: end - len(REASONS)]), {name: (value or b"").decode(errors="replace") for name, value in named}


def _text(value: object) -> bytes:
    """At most so many bytes of UTF-8, and whole characters of it; what is no text becomes readable."""
    return str(value).encode(errors="backslashreplace")[:MESSAGE_BYTES_MAX].decode(errors="ignore").encode()


def _cut(letter: Output, headers: Sequence[Header]) -> Output:
    """A letter that even a dead-letter topic does not take: only what is needed to find the record in its own topic."""
    return letter._replace(key=None, value=None, headers=[*headers, (PREFIX + DROPPED, f"{size_bytes(letter)} bytes".encode())])


def take(fold: Fold, record: Record, limit_bytes: int, refuse: Callable[[Record, Poison], Iterable[Output]]) -> Caused:
    """Fold one record: what it caused, or, if it is poison, what `refuse` makes of it.

    Raises: Missing, as the fold does.
    """
    try:
        caused = list(fold.step(record))
        check_sizes(caused, limit_bytes)
    except Poison as poison:
        return reject(fold, record, poison, refuse)
    return caused


def reject(fold: Fold, record: Record, poison: Poison, refuse: Callable[[Record, Poison], Iterable[Output]]) -> Caused:
    """Count the poison in the fold's own state, so that the count is exact when the record is folded again after a crash."""
    fold.counts["rejected"] += 1
    fold.counts["rejected." + poison.code] += 1
    return list(refuse(record, poison))


def check_sizes(caused: Iterable[Output | Effect], limit_bytes: int) -> None:
    """Raises: TooLarge for the first output over the limit."""
    for output in caused:
        if isinstance(output, Output) and size_bytes(output) > limit_bytes:
            raise TooLarge(output, limit_bytes)


def size_bytes(output: Output) -> int:
    """What the output takes in a batch, at most."""
    body = len(output.key or b"") + len(output.value or b"") + RECORD_OVERHEAD_BYTES
    return body + sum(len(name) + len(value or b"") + 10 for name, value in output.headers) if output.headers else body
