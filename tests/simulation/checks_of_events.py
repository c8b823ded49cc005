"""What must hold of ingestion after every run: what the naive oracle says of the events that were sent."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from penstock.fold.poison import PREFIX
from penstock.fold.protocol import LogRecord
from penstock.kafka.partition import partition_of
from tests.simulation.evidence import Evidence
from tests.simulation.oracle import Place
from tests.simulation.shop import ANSWERS, HOUR_MS, MODEL, QUESTIONS

Broken = Iterator[str]


def valid_is_validated(evidence: Evidence) -> Broken:
    """What a reader accepts on validated topics are the valid events, all of them, once each, as they were sent."""
    for judged in (evidence.questions, evidence.payments):
        partitions = evidence.run.spec.streams[judged.stream].partitions
        found: dict[Place, dict[str, Any]] = {}
        for number in range(partitions):
            for read in evidence.accepted("validated", number, judged.stream):
                if read.name == "Tick":
                    continue
                found[read.origin["partition"], read.origin["offset"]] = read.fields
                if partition_of(read.fields["shop"].encode(), partitions) != number:
                    yield f"{judged.stream}[{number}] holds {read.fields['shop']}"
        if found.keys() != judged.valid.keys():
            yield f"{judged.stream}: {len(found)} are validated, {len(judged.valid)} are valid"
        wrong = [place for place, fields in judged.valid.items() if place in found and not fields.items() <= found[place].items()]
        yield from (f"{judged.stream} {place} has other fields than were sent" for place in wrong[:1])


def rejects_are_dead_letters(evidence: Evidence) -> Broken:
    """Poison, and nothing else, stands in the dead letters, untouched; so does what is junk in the logs behind."""
    for family in ("features", "learning"):
        sent = {
            (number, record.offset): record.value or b""
            for number in evidence.run.partitions(family)
            for record in evidence.run.records(family, MODEL, number)
        }
        read = {(number, each.offset) for number in evidence.run.partitions(family) for each in evidence.log(family, number)}
        if dict(_letters(evidence.run.records("dlq", f"{family}.{MODEL}"))) != {place: sent[place] for place in sent.keys() - read}:
            yield f"{family}: the dead letters are not its junk"
    for judged in (evidence.questions, evidence.payments):
        letters = dict(_letters(evidence.run.records("dlq", f"events.{judged.stream}")))
        if letters != judged.rejected:
            yield f"{judged.stream}: {len(letters)} letters, {len(judged.rejected)} records of poison"


def newest_is_online(evidence: Evidence) -> Broken:
    """The online value of a shop is that of its newest order."""
    newest: dict[str, int] = {}
    for fields in evidence.questions.valid.values():
        newest[fields["shop"]] = max(fields["at"], newest.get(fields["shop"], fields["at"]))
    found = {entity: value.event_time_ms for (_, entity), value in evidence.run.outside.online.items()}
    if found != newest:
        yield f"online are {found}, newest are {newest}"


def features_are_as_of(evidence: Evidence) -> Broken:
    """What a feature counts of its own stream is what stands before the order; what it takes of another one had happened by then."""
    for number in evidence.run.partitions("features"):
        asked = evidence.accepted("validated", number, QUESTIONS, ticks=True)
        paid = [read.fields for read in evidence.accepted("validated", number, ANSWERS) if read.name != "Tick"]
        vectors = {read.origin["offset"]: read.fields for read in evidence.accepted("features", number)}
        before: list[Mapping[str, Any]] = []
        newest_ms = 0
        for read in asked:
            newest_ms = max(newest_ms, read.fields["event_time_ms"])
            if read.name == "Tick":
                continue
            if read.fields["at"] > newest_ms - HOUR_MS and read.offset in vectors:  # who asks later is answered as far as is still known
                yield from _as_of(vectors[read.offset], read.fields, before, paid)
            before.append(read.fields)


def _as_of(
    vector: Mapping[str, Any], order: Mapping[str, Any], before: Sequence[Mapping[str, Any]], paid: Sequence[Mapping[str, Any]]
) -> Broken:
    found, shop, at = vector["features"], order["shop"], order["at"]
    count = sum(each["shop"] == shop and at - HOUR_MS < each["at"] <= at and each["amount"] > 100 for each in before)
    if found["orders_1h"] != count:
        yield f"{vector['event_id']}: orders_1h is {found['orders_1h']}, {count} stand before it"
    known = {0.0, *(each["paid"] for each in paid if each["shop"] == shop and at - 2 * HOUR_MS <= each["at"] <= at)}
    if found["last_paid"] not in known:
        yield f"{vector['event_id']}: last_paid is {found['last_paid']}, which nobody had paid by then"


def _letters(records: Sequence[LogRecord]) -> Iterator[tuple[Place, bytes]]:
    for record in records:
        about: Mapping[str, bytes] = {name: value or b"" for name, value in record.headers}
        yield (int(about[PREFIX + "partition"]), int(about[PREFIX + "offset"])), record.value or b""
