"""A source of events is parked, or released, by a command among the events: what becomes of a record is a function of the log."""

from typing import NamedTuple

from penstock.fold.protocol import Output, Record

PARK, RELEASE = "penstock.quarantine", "penstock.release"
SOURCE_BYTES_MAX = 1_024
CODE = "quarantined"


class Parking(NamedTuple):
    """From here on the events of this source (CloudEvents' `source`) are dead letters, or are taken again."""

    source: str
    parked: bool

    def records(self, topic: str, partitions: int) -> list[Output]:
        """The command for every partition of the stream's topic: each is judged by its own log."""
        source = self.source.encode()
        headers = (("ce_type", (PARK if self.parked else RELEASE).encode()), ("ce_subject", source))
        return [Output(topic, partition, source, None, headers) for partition in range(partitions)]


def parking_of(record: Record) -> Parking | None:
    """The command that a record is; None for anything else. It has no value: no event that somebody sent can be taken for it.

    >>> from penstock.fold.protocol import LogRecord
    >>> (sent,) = Parking("gate/7", parked=True).records("events.flights", 1)
    >>> parking_of(LogRecord("events.flights", 0, 0, 0, None, None, sent.headers))
    Parking(source='gate/7', parked=True)
    """
    if record.value is not None or not record.headers:
        return None
    found = dict(record.headers)
    kind, subject = found.get("ce_type"), found.get("ce_subject")
    if kind not in (PARK.encode(), RELEASE.encode()) or not subject or len(subject) > SOURCE_BYTES_MAX:
        return None
    try:
        return Parking(subject.decode(), kind == PARK.encode())
    except UnicodeDecodeError:
        return None
