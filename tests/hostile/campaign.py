"""A run against a platform: hostile and good records into one stream, what was taken of them into a second one, and both compared."""

import asyncio
import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaProducer

from penstock.cli.platform import registry
from penstock.fold.poison import opened
from penstock.fold.protocol import Poison, Record
from penstock.framing.decoder import fingerprint_of
from penstock.kafka.cluster import opened as opened_cluster
from penstock.kafka.log import read_log
from penstock.records import Wire
from penstock.records.avsc import spelled
from penstock.records.schemas import HttpSchemaRegistry
from penstock.spec import Stream, load
from penstock.spec.avro import ORIGIN, producer_schema
from tests.hostile import posts
from tests.hostile.messages import Maker, Sent
from tests.hostile.reference import ANY, DUPLICATE, REJECTED, TICKED, VALIDATED, Fate, Reference
from tests.hostile.stream import specification, stream
from tests.scenario.running import Platform, suffix
from tests.waiting import until

COMES_TO_REST_S = 600.0
AT_ONCE = 2_000  # records on their way to Kafka
IDS_AHEAD = 50
PROBLEMS_MAX = 20
SHOWN_BYTES = 160
STATUSES = frozenset({0, 202, 400, 404, 405, 408, 411, 413, 415, 422, 429, 503})
PRODUCER = {"acks": "all", "enable_idempotence": True, "linger_ms": 5, "max_request_size": 2_000_000}


@dataclass(slots=True)
class Report:
    """What became of the records, by kind and by code; the statuses of the requests; and what is not as it must be."""

    records: int = 0
    deeds: Counter[str] = field(default_factory=Counter)
    fates: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    digest: str = ""
    before_mib: float = 0.0
    peak_mib: float = 0.0
    problems: list[str] = field(default_factory=list)

    def check(self, holds: bool, problem: str) -> None:
        """Note a problem unless something holds."""
        if not holds and len(self.problems) < PROBLEMS_MAX:
            self.problems.append(problem)


@dataclass(frozen=True, slots=True)
class Ground:
    """A stream of its own on a platform."""

    platform: Platform
    wire: Wire
    stream: Stream

    @property
    def topic(self) -> str:
        return f"events.{self.stream.name}"

    def counts(self) -> Counter[str]:
        """What ingestion has counted."""
        return Counter(self.platform.counts(f"ingestion/{self.stream.name}"))

    async def send(self, records: Iterable[Sent]) -> int:
        """Append the records in order; how many."""
        number = 0
        async with AIOKafkaProducer(bootstrap_servers=self.platform.at.bootstrap, **PRODUCER) as producer:
            waiting = []
            for each in records:
                number += 1
                waiting.append(await producer.send(self.topic, each.value, each.key, partition=0, headers=list(each.headers)))
                if len(waiting) == AT_ONCE:
                    await asyncio.gather(*waiting)
                    waiting.clear()
            await asyncio.gather(*waiting)
        return number

    async def rest(self) -> Counter[str]:
        """Wait until every record has its end, and stands there; the counts."""

        async def has_come() -> bool:
            counts = self.counts()
            ended = counts["sent"] + counts["ticks"] + counts["commands"]
            return ended == await self.end(self.topic) and counts["rejected"] <= await self.end(f"dlq.{self.topic}")

        await until(has_come, COMES_TO_REST_S)
        await until(self._has_told, COMES_TO_REST_S)
        return self.counts()

    async def _has_told(self) -> bool:
        return len([name for name, _ in (await self.outputs()).values() if name != "Tick"]) == self.counts()["validated"]

    async def outputs(self) -> dict[int, tuple[str, dict[str, Any]]]:
        """What stands on the validated topic, by the offset of the record that caused it; of a tick the first."""
        found: dict[int, tuple[str, dict[str, Any]]] = {}
        for record in await self.read(f"validated.{self.stream.name}"):
            name, value = await self.wire.read_or_fetch(record.value)
            origin = value["origin"] if name == "Tick" else value.pop(ORIGIN)
            if origin is not None:  # a tick of the fold's own has none
                assert found.setdefault(origin["offset"], (name, value)) == (name, value), f"two outputs of {origin}"
        return found

    async def letters(self) -> dict[int, Record]:
        """The dead letters by the offset of their record."""
        return {int(_reasons(letter)["offset"]): letter for letter in await self.read(f"dlq.{self.topic}")}

    async def end(self, topic: str) -> int:
        """How many records were ever appended."""
        async with opened_cluster(self.platform.at.bootstrap) as cluster:
            return sum(bounds.end for bounds in (await cluster.bounds_of(topic)).values())

    async def read(self, topic: str) -> list[Record]:
        """Every record as it stands."""
        end = await self.end(topic)
        return [record async for records in read_log(self.platform.at.bootstrap, topic, 0, end) for record in records]


async def run(platform: Platform, records: int, requests: int, seed: int) -> Report:
    """Send so many records and requests, judge every end, and compare with a run of what was taken alone."""
    own, report = suffix(), Report()
    async with aclosing(HttpSchemaRegistry(platform.at.schema_registry_url)) as schemas:
        wire = Wire(schemas)
        wild, calm = [Ground(platform, wire, stream(f"{name}{own}")) for name in ("hostile", "calm")]
        for ground in (wild, calm):
            await _apply(ground)
        maker = await _maker(wild, calm)
        pid, report.before_mib = platform.pid("ingestion"), peak_mib(platform)
        report.records, report.statuses = await asyncio.gather(
            wild.send(_noted(maker, records, seed, report)), posts.send(platform.at.gateway, wild.stream.name, requests, seed)
        )
        counts = await wild.rest()
        taken = await _judge(wild, await _reference(wild, maker), counts, report)
        await _compare(wild, calm, taken, report)
        report.peak_mib = peak_mib(platform)
        report.check(platform.is_ready() and platform.pid("ingestion") == pid, "the process has not lived through it")
        report.check(report.statuses.keys() <= STATUSES, f"the gateway has answered {sorted(report.statuses)}")
    return report


def _noted(maker: Maker, records: int, seed: int, report: Report) -> Iterable[Sent]:
    for sent in maker.records(records, seed):
        report.deeds[sent.deed or "nothing"] += 1
        yield sent


async def _apply(ground: Ground) -> None:
    async with registry(ground.platform.folder) as client:
        await client.apply(load(specification(ground.stream.name), "hostile.yaml").to_json())

    async def is_open() -> bool:
        async with httpx.AsyncClient(trust_env=False) as client:
            paths = (await client.get(f"{ground.platform.at.gateway}/openapi.json")).json()["paths"]
        return f"/events/{ground.stream.name}" in paths

    await until(is_open, COMES_TO_REST_S)


async def _maker(wild: Ground, calm: Ground) -> Maker:
    """The producer's schema is known under both topics, for single objects; so is calm's own, whose id a broken record may hit."""
    schema = producer_schema(wild.stream)
    await calm.wire.writer(calm.topic, producer_schema(calm.stream))
    await wild.wire.writer(calm.topic, schema)
    return Maker(await wild.wire.writer(wild.topic, schema), fingerprint_of(schema))


async def _reference(wild: Ground, maker: Maker) -> Reference:
    """Producers may write with every schema that has the fields of the stream's own: what the record is called is free."""
    last, known = int.from_bytes(maker.frame(GOOD)[1:5], "big") + IDS_AHEAD, dict[int, Any]()
    for id in range(last):
        with contextlib.suppress(Poison):
            await wild.wire.fetch(id)
            known[id] = spelled(wild.wire.known(id).schema)["fields"]
    fields = spelled(producer_schema(wild.stream))["fields"]
    own = frozenset(id for id, its in known.items() if its == fields)
    return Reference(wild.stream, own, maker.mark, frozenset(known) - own)


GOOD = {
    "sighting_id": "s",
    "place": "p",
    "seen_at": 0,
    "size": 1.0,
    "weight": None,
    "count": None,
    "wild": True,
    "kind": "fox",
    "note": None,
}


async def _judge(wild: Ground, reference: Reference, counts: Counter[str], report: Report) -> list[Sent]:
    """Compare the end of every record with what must become of it; those that change something, in order."""
    outputs, letters = await wild.outputs(), await wild.letters()
    taken = list[Sent]()
    for record in await wild.read(wild.topic):
        fate, letter = reference.take(record), letters.get(record.offset)
        report.fates[fate.kind] += 1
        problem = wrong(fate, outputs.get(record.offset), letter, record)
        report.check(not problem, f"{record.offset} {record.headers} {(record.value or b'')[:SHOWN_BYTES]!r}: {problem}")
        if letter is not None:
            report.codes[_reasons(letter)["code"]] += 1
        if fate.kind != REJECTED:
            taken.append(Sent(record.key, record.value, tuple(record.headers)))
    found = {name: counts[name] for name in (VALIDATED, DUPLICATE, TICKED, REJECTED)}
    report.check(found == {name: report.fates[name] for name in found}, f"ingestion counts {found}, the log gives {report.fates}")
    return taken


def wrong(fate: Fate, output: tuple[str, dict[str, Any]] | None, letter: Record | None, record: Record) -> str:
    """What is not as it must be; nothing if all is."""
    code = _reasons(letter)["code"] if letter else ""
    if (letter is not None) != (fate.kind == REJECTED) or (output is not None) != (fate.kind in (VALIDATED, TICKED)):
        return f"must end as {fate}; stands there as {output}, letter {code!r}"
    if letter is not None:
        if fate.code not in (code, ANY):
            return f"must have the code {fate.code}, has {code}"
        own = opened(letter.headers)
        same = own is not None and (letter.key, letter.value, own[0]) == (record.key, record.value, list(record.headers))
        return "" if same else "the letter is not byte for byte its record"
    if output is not None and fate.output is not None:
        found = {name: output[1][name] for name in fate.output}
        return "" if repr(found) == repr(fate.output) else f"must be {fate.output}, is {found}"
    return ""


async def _compare(wild: Ground, calm: Ground, taken: Sequence[Sent], report: Report) -> None:
    """`rejects_change_nothing`: what was taken gives the same alone, and leaves the same behind."""
    await calm.send(taken)
    await calm.rest()
    report.digest, alone = _digest(await wild.outputs()), _digest(await calm.outputs())
    report.check(report.digest == alone, f"outputs {report.digest}, of what was taken alone {alone}")
    for ground in (wild, calm):
        before = await ground.rest()
        await ground.send(taken)
        after = await ground.rest()
        changed = {name: count for name, count in (after - before).items() if name not in ("lag", "echoes")}
        expected = len(taken) - report.fates[TICKED]
        report.check(
            changed.get("duplicates") == expected and not changed.get("validated"), f"sent again: {changed}, not {expected} duplicates"
        )


def _digest(outputs: dict[int, tuple[str, dict[str, Any]]]) -> str:
    """Of all outputs in order, without where they came from."""
    told = [[value[name] for name in sorted(value) if name not in ("origin", "source")] for _, (_, value) in sorted(outputs.items())]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _reasons(letter: Record) -> dict[str, str]:
    parts = opened(letter.headers)
    assert parts is not None, "no letter"
    return parts[1]


def peak_mib(platform: Platform) -> float:
    """The most memory that the process of ingestion ever had at once (VmHWM of proc(5)), in MiB."""
    status = Path(f"/proc/{platform.pid('ingestion')}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1_024
