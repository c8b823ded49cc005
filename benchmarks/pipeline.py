"""The whole pipeline: events through all six services on real Kafka and PostgreSQL, until their labels are learned.

It starts the local stack in a folder of its own, or uses the platform whose addresses are in the environment (PENSTOCK_BOOTSTRAP,
PENSTOCK_REGISTRY, PENSTOCK_SCHEMA_REGISTRY_URL, PENSTOCK_TRAINER). One stream with 8 numeric features and a label for every event, as
JSON, one partition each; a view that selects the features; a scaler and a logistic regression; a checkpoint every 1,000 labels.

*Backlog*: EVENTS events and their labels are sent as fast as Kafka takes them. Throughput is the events whose label was learned, over
the seconds between the first and the last outcome append (Kafka's append times): two records enter for each event. *Steady*: STEADY_S
seconds at half of that rate, each label 50 ms after its event. Event→learned is from the append of a label to its own topic to the
append of its outcome, joined record by record through the origins in the log; append times are whole milliseconds. Its three parts are
the label's ways through ingestion (to validated.*), the feature store (to learning.*), and the trainer (to outcomes.*). The CPU time that
each process of the local stack spent on an event of the backlog says which of them sets the pace.

It checks first that every label was learned exactly once, that the trainer's counts add up, and that a replay of the learning log gives
the same digest; else there is no figure. It does not measure windows, joins, trees, challengers, drift, several partitions or several
machines, nor the time from an event to its prediction. Producer, Kafka, PostgreSQL and services share the cores. Delay in the producer
before a label's append is not counted; the rate that was reached is printed. Environment: EVENTS (default 60000), STEADY_S (default 20).
"""

import asyncio
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from os import environ
from pathlib import Path
from statistics import quantiles
from typing import Any

from benchmarks.load import BACKLOG_EVENT_EVERY, BEGINNING, Load, make, send_backlog, send_paced, specification
from benchmarks.machine import environment
from benchmarks.processes import cpu_seconds
from benchmarks.report import Result
from penstock.cli.apply import describe, wait_until_served
from penstock.cli.platform import addresses, registry
from penstock.cli.verify import prove
from penstock.errors import PenstockError, ProofUnequal
from penstock.inspection.trainer import Proof
from penstock.kafka.cluster import KafkaCluster, opened
from penstock.kafka.ports import TopicPartition
from penstock.local.stack import start_detached, stop
from penstock.measure import Learned, learned_labels
from penstock.spec import load as load_specification

SERVE_TIMEOUT_S = 60.0
STALL_S = 60.0
LOOK_EVERY_S = 0.25
STEADY_SHARE = 0.5


def measure(folder: Path) -> Result:
    """Run both phases; the figures. Raises: PenstockError when something was lost or learned twice, ProofUnequal."""
    with platform(folder) as place:
        return asyncio.run(Bench(f"bench-{uuid.uuid4().hex[:8]}", place).run(environment("EVENTS", 60_000), environment("STEADY_S", 20)))


@contextmanager
def platform(folder: Path) -> Iterator[Path]:
    """A local stack in a new folder below `folder`; none when the environment names a registry.

    It is stopped in any case, and its folder deleted when all went well: else the logs stay to be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="stack-", dir=folder))
    if environ.get("PENSTOCK_REGISTRY"):
        place.rmdir()
        yield place
        return
    try:
        start_detached(place)
        yield place
    except PenstockError:
        sys.stderr.write(f"the logs are in {place / 'logs'}\n")
        raise
    finally:
        stop(place)
    shutil.rmtree(place)


@dataclass(frozen=True, slots=True)
class Bench:
    """One run under a name that no run before had: stream, view and model are called so."""

    name: str
    folder: Path

    async def run(self, events: int, steady_s: int) -> Result:
        """Both phases, the checks, then the figures."""
        async with opened(addresses(self.folder).bootstrap) as kafka:
            await self.apply()
            backlog = make(self.name, 0, events, BEGINNING, BACKLOG_EVENT_EVERY)
            before = cpu_seconds(self.folder)
            await self._through(kafka, backlog, 0, None)
            after = cpu_seconds(self.folder)
            rate_per_s = throughput_per_s(await self.learned()) * STEADY_SHARE
            begin = BEGINNING + events * BACKLOG_EVENT_EVERY
            paced = make(self.name, events, int(rate_per_s * steady_s), begin, timedelta(seconds=1 / rate_per_s))
            await self._through(kafka, paced, events, rate_per_s)
        learned = await self.learned()
        proof = await self.check(learned, events + len(paced.events))
        steady = [each for each in learned if each.label_offset >= events]
        micros = {name: (after[name] - spent) / events * 1e6 for name, spent in before.items()}
        return result([each for each in learned if each.label_offset < events], steady, rate_per_s, micros, proof)

    async def apply(self) -> None:
        """Apply the specification, and wait until it is served."""
        async with registry(self.folder) as client:
            await client.apply(load_specification(specification(self.name), "benchmarks/load.py").to_json())
        await wait_until_served([self.name], self.folder, SERVE_TIMEOUT_S)

    async def _through(self, kafka: KafkaCluster, load: Load, before: int, rate_per_s: float | None) -> None:
        """Send a load and wait until there is an outcome for each of its events. Raises: PenstockError when nothing moves any more."""
        producer = await kafka.producer()
        try:
            await (send_paced(producer, load, rate_per_s) if rate_per_s else send_backlog(producer, load))
        finally:
            await producer.stop()
        wanted, outcomes = before + len(load.events), TopicPartition(f"outcomes.{self.name}", 0)
        there, moved = -1, time.monotonic()
        while there < wanted:
            now = (await kafka.bounds(outcomes)).end
            there, moved = (now, time.monotonic()) if now > there else (there, moved)
            if time.monotonic() - moved > STALL_S:
                raise PenstockError(f"{there:,} of {wanted:,} labels are learned, and no more for {STALL_S:.0f} s. Try: EVENTS=1000")
            await asyncio.sleep(LOOK_EVERY_S)

    async def learned(self) -> list[Learned]:
        """Every label that was learned so far."""
        at = addresses(self.folder)
        return await learned_labels(at.bootstrap, at.schema_registry_url, f"{self.name}-labels", self.name)

    async def described(self) -> Any:
        """The trainer's fold as it says it stands. Raises: PenstockError when it does not answer."""
        described = await describe(self.name, self.folder)
        if described is None:
            raise PenstockError("the trainer does not answer. Try: EVENTS=1000 python -m benchmarks pipeline")
        return described

    async def check(self, learned: Sequence[Learned], sent: int) -> Proof:
        """Every label learned once, the counts add up, and the digest is proved."""
        if sorted(each.label_offset for each in learned) != list(range(sent)):
            raise PenstockError(f"{sent:,} labels were sent, {len({each.label_offset for each in learned}):,} of them are learned")
        described = await self.described()
        counts = dict(described.counts)
        if counts["predictions"] != sum(counts.get(name, 0) for name in ("pending", "labelled", "expired", "quarantined")):
            raise PenstockError(f"the counts do not add up: {counts}")
        if (counts["labelled"], [version.learned for version in described.versions]) != (sent, [sent]):
            raise PenstockError(f"{sent:,} labels were sent; the trainer counts otherwise: {counts}")
        proof = await prove(f"{self.name}@champion", self.folder)
        if not proof.equal:
            raise ProofUnequal(f"{proof.reference}: {proof.difference}")
        return proof


def throughput_per_s(learned: Sequence[Learned]) -> float:
    """Labels learned per second between the first and the last outcome append."""
    times = [each.learned_ms for each in learned]
    return len(times) / max(max(times) - min(times), 1) * 1_000


def result(
    backlog: Sequence[Learned], steady: Sequence[Learned], wanted_per_s: float, cpu_micros: Mapping[str, float], proof: Proof
) -> Result:
    """The figures of both phases; `cpu_micros` is what each process spent on an event of the backlog."""
    appended = [each.appended_ms for each in steady]
    reached_per_s = len(steady) / max(max(appended) - min(appended), 1) * 1_000
    parts = {
        "event→learned": spread([each.delay_ms for each in steady]),
        "  ingestion": spread([each.validated_ms - each.appended_ms for each in steady]),
        "  feature store": spread([each.logged_ms - each.validated_ms for each in steady]),
        "  trainer": spread([each.learned_ms - each.logged_ms for each in steady]),
    }
    figures: dict[str, Any] = {
        "backlog_events": len(backlog),
        "throughput_events_per_s": round(throughput_per_s(backlog), 1),
        "steady_events": len(steady),
        "steady_wanted_events_per_s": round(wanted_per_s, 1),
        "steady_sent_events_per_s": round(reached_per_s, 1),
        "event_to_learned_ms": parts["event→learned"],
        "parts_ms": {name.strip(): part for name, part in parts.items()},
        "cpu_microseconds_per_event": {name: round(micros, 1) for name, micros in cpu_micros.items()},
        "proof": asdict(proof),
    }
    rows: list[tuple[str, ...]] = [("backlog: throughput, events/s", f"{figures['throughput_events_per_s']:,.0f}", "", "")]
    rows += [(f"steady: {name}, ms", *(f"{value:,.0f}" for value in part.values())) for name, part in parts.items()]
    rows += [(f"backlog: {name}, CPU µs/event", f"{micros:,.0f}", "", "") for name, micros in cpu_micros.items()]
    notes = [
        f"backlog {len(backlog):,} events; steady {len(steady):,} events, {reached_per_s:,.0f} events/s sent of {wanted_per_s:,.0f} wanted",
        "every label was learned exactly once, and the counts add up",
        f"proved {proof.reference}: {proof.records:,} records, digest {proof.digest[:16]}…",
    ]
    return Result(("", "value or p50", "p99", "max"), rows, figures, notes)


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, 99th percentile and maximum."""
    cuts = quantiles(values, n=100)
    return {"p50": cuts[49], "p99": cuts[98], "max": max(values)}
