"""One look at a whole running platform: reads its snapshots, topics and registry in the one order in which nothing under way is a break."""

import time
from collections import defaultdict
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from penstock.errors import PenstockError
from penstock.inspection.declared import Declared, aliases, audited, checkpoints, declared, left_out, only
from penstock.inspection.recompute import Recomputer, recomputer
from penstock.inspection.standing import standing
from penstock.inspection.topics import BoundsOf, TopicReader, bounds_of, kept, records_in, topic_reader, with_its_schema
from penstock.inspection.trainer import living_counts, prove
from penstock.inspection.where import Where
from penstock.invariants.audit import AuditChain
from penstock.invariants.champion import Move, moves
from penstock.invariants.finding import Breaks, Finding, joined
from penstock.invariants.flow import Circumstances, Invariants
from penstock.invariants.learned import Learnt, living_counts_add_up
from penstock.invariants.seen import Standing
from penstock.kafka.cluster import KafkaCluster, opened
from penstock.records import Wire
from penstock.records.schemas import HttpSchemaRegistry
from penstock.registry_client import RegistryClient
from penstock.rpc.registry.v1 import registry_pb2 as pb

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Bounded:
    """How much is looked at: one model or all, and of each how many answers are computed anew, how many records replayed for a proof."""

    model: str
    answers_max: int
    replay_records_max: int


@dataclass(slots=True)
class Report:
    """What was found, by invariant; `seconds` are those that an invariant took beside the one reading of all topics."""

    findings: list[Finding] = field(default_factory=list)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    records: int = 0
    reading_s: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether no invariant is broken."""
        return all(finding.holds for finding in self.findings)

    async def timed(self, name: str, work: Awaitable[Result]) -> Result:
        """Do work for an invariant, and note how long it took."""
        began_s = time.monotonic()
        try:
            return await work
        finally:
            self.seconds[name] += time.monotonic() - began_s


async def inspect(at: Where, bounded: Bounded) -> Report:
    """Look at the platform. Raises: PenstockError when a part of it does not answer."""
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(RegistryClient(at.registry))
        kafka = await stack.enter_async_context(opened(at.bootstrap))
        reader = await stack.enter_async_context(topic_reader(at.bootstrap))
        schemas = await stack.enter_async_context(aclosing(HttpSchemaRegistry(at.schema_registry_url)))
        return await _Inspection(at, bounded, registry, kafka, reader, Wire(schemas)).run()


class _Inspection:
    """The order is the point: what was caused is asked for before what may have caused it.

    Checkpoints, then snapshots (everything that they caused is acknowledged), then the ends of the topics, the last of the flow first,
    then the records, then the registry's aliases, which every Serve in the log must know.
    """

    def __init__(self, at: Where, bounded: Bounded, registry: RegistryClient, kafka: KafkaCluster, reader: TopicReader, wire: Wire) -> None:
        self._at, self._bounded = at, bounded
        self._registry, self._kafka, self._reader, self._wire = registry, kafka, reader, wire
        self._report = Report()

    async def run(self) -> Report:
        """The whole look."""
        report, now_ms = self._report, int(time.time() * 1_000)
        found = await declared(self._registry)
        found = only(found, self._bounded.model) if self._bounded.model else found
        made = {model: await checkpoints(self._registry, model) for model in found.spec.models}
        stood, snapshots = await report.timed("snapshots", standing(self._at.dsn, self._at.prefix, found.units, self._kafka))
        bounds = await self._bounds(found, stood, now_ms)
        invariants = Invariants(found.spec, self._wire, self._circumstances(found, stood, now_ms, bounds))
        await self._read(invariants, bounds)
        chain = await report.timed("one_champion", self._ask_registry(invariants))
        for model, listed in made.items():
            _check_checkpoints(invariants, model, listed)
        note = await report.timed("log_says_what_was_served", self._recompute(invariants))
        findings = [*invariants.findings(), *[await self._living(model) for model in found.spec.models]]
        findings += [Finding("log_says_what_was_served", 0, note=note), chain.finding(), snapshots]
        findings += [kept(bounds, self._at.prefix, found, stood, now_ms)]
        findings += [await report.timed("same_digest", self._prove(model, made[model])) for model in found.spec.models]
        report.findings = joined(findings)
        return report

    def _circumstances(self, found: Declared, stood: Standing, now_ms: int, bounds: BoundsOf) -> Circumstances:
        asked = {model: records_in(bounds, self._at.topic("features", model)) for model in found.spec.models}
        every = {model: max(1, -(-records // max(1, self._bounded.answers_max))) for model, records in asked.items()}
        return Circumstances(stood, self._at.topic, now_ms, changed_rules=found.changed_rules, sample_every=every)

    async def _bounds(self, found: Declared, stood: Standing, now_ms: int) -> BoundsOf:
        topics = Invariants(found.spec, self._wire, Circumstances(stood, self._at.topic, now_ms)).topics
        return await bounds_of(self._kafka, topics)

    async def _read(self, invariants: Invariants, bounds: BoundsOf) -> None:
        began_s = time.monotonic()
        for topic in invariants.topics:
            async for records in self._reader.read(topic, bounds):
                self._report.records += len(records)
                for record in records:
                    await with_its_schema(self._wire, invariants.see, record)
        self._report.reading_s = time.monotonic() - began_s

    async def _ask_registry(self, invariants: Invariants) -> AuditChain:
        """Aliases between two readings of the audit log: the first must be in them, and they in the second."""
        chain = AuditChain()
        await audited(self._registry, chain)
        before = {model: moves(chain.bodies, model) for model in invariants.models}
        rows = {model: await aliases(self._registry, model) for model in invariants.models}
        await audited(self._registry, chain)
        told = await self._told()
        for model, checkers in invariants.models.items():
            after = moves(chain.bodies, model)
            checkers.champion.registry_says(rows[model], told.get(model, []), before[model], after, left_out(rows[model]))
        return chain

    async def _told(self) -> dict[str, list[Move]]:
        """What the registry's topic still says of aliases, by model."""
        topic = f"{self._at.prefix}registry"
        told: dict[str, list[Move]] = {}
        async for records in self._reader.read(topic, await bounds_of(self._kafka, [topic])):
            for record in records:
                _, entry = await self._wire.read_or_fetch(record.value)
                if entry["kind"] == "alias":
                    model, _, alias = entry["name"].partition("@")
                    body = msgspec.json.decode(entry["body"])
                    told.setdefault(model, []).append(Move(alias, entry["revision"], body["version"], body["cause"]))
        return told

    async def _living(self, model: str) -> Finding:
        counts = await living_counts(self._at.trainer, model)
        if counts is None:
            return Finding("counts_add_up", 0, note=f"no living fold of {model} answered. Try: penstock status")
        return living_counts_add_up(model, counts)

    async def _recompute(self, invariants: Invariants) -> str:
        """Compute the sampled answers of every model anew; what was done, in words."""
        if not self._bounded.answers_max:
            return "no answers computed anew"
        if not any(checkers.served.answers for checkers in invariants.models.values()):
            return ""
        async with recomputer() as child:
            done = [await self._recompute_model(model, invariants, child) for model in invariants.models]
        anew, elsewhere = (sum(numbers) for numbers in zip(*done, strict=True))
        return f"{anew:,} answers computed anew" + (f"; {elsewhere:,} not, they were given under another runtime" if elsewhere else "")

    async def _recompute_model(self, model: str, invariants: Invariants, child: Recomputer) -> tuple[int, int]:
        """How many answers were computed anew, and how many could not be."""
        served, task = invariants.models[model].served, invariants.spec.models[model].task
        anew = elsewhere = 0
        for (version, position), answers in sorted(served.answers.items()):
            checkpoint = await self._registry.resolve(f"{model}/{version}@{position}")
            if checkpoint.runtime != child.runtime:
                elsewhere += len(answers)
                continue
            blob = await self._registry.blob(checkpoint.digest)
            served.recomputed(answers, await child.answers(task, blob, [answer.features for answer in answers]))
            anew += len(answers)
        return anew, elsewhere

    async def _prove(self, model: str, listed: Sequence[pb.Checkpoint]) -> Finding:
        """Replay the log up to what serves, or, if that lies too far, to the newest checkpoint that does not."""
        breaks = Breaks("same_digest")
        serving = await self._registry.serving(model)
        candidates = [*([serving.checkpoint] if serving.found else []), *listed]
        near = [each for each in candidates if each.position <= self._bounded.replay_records_max]
        if not near or not self._bounded.replay_records_max:
            return breaks.finding(f"{model}: not replayed. Try: penstock verify {model}" if candidates else "")
        reference = f"{model}/{near[0].version}@{near[0].position}"
        try:
            proof = await prove(self._at.trainer, reference)
        except PenstockError as error:
            return breaks.finding(f"{reference}: not replayed: {error}")
        breaks.expect(proof.equal, f"{reference}: {proof.difference}")
        farther = f"; {candidates[0].position:,} to what serves. Try: penstock verify {model}" if near[0] != candidates[0] else ""
        return breaks.finding(f"{reference}: {proof.records:,} records replayed{farther}")


def _check_checkpoints(invariants: Invariants, model: str, listed: Sequence[pb.Checkpoint]) -> None:
    checkers = invariants.models[model]
    for each in listed:
        reference = f"{model}/{each.version}@{each.position}"
        checkers.finite.metrics(reference, each.metrics)
        record = msgspec.json.decode(each.metrics)
        checkers.learned.checkpoint_says(Learnt(reference, each.born_position, each.position, record["learned"] + record["skipped"]))
