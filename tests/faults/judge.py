"""The judge: after a fault, is everything there that was sent, is nothing there twice, and is the model what its log makes of it."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from penstock import postgres
from penstock.fold.protocol import Record
from penstock.spec.avro import EVENT_ID, ORIGIN
from penstock_registry.ledger import Ledger
from tests.faults.load import MODEL, PAYMENTS, VERDICTS, Place, Sent
from tests.faults.replica import Replica
from tests.faults.topics import Accepted, Read, Topics
from tests.faults.watch import Look

Pool = asyncpg.Pool

REGISTRY_SETTLES_S = 10.0
RETRY_S = 0.2
PROBLEMS_MAX = 5
VALIDATED = tuple(f"validated.{stream}" for stream in (PAYMENTS, VERDICTS))
FEATURES, PREDICTIONS, LEARNING, OUTCOMES = (f"{family}.{MODEL}" for family in ("features", "predictions", "learning", "outcomes"))
LETTERS = tuple(f"dlq.events.{stream}" for stream in (PAYMENTS, VERDICTS))
TOPICS = (*VALIDATED, FEATURES, PREDICTIONS, LEARNING, OUTCOMES, *LETTERS, "registry")
SAME_BYTES = (PREDICTIONS, LEARNING, OUTCOMES)  # of folds of one partition a repeat is the same to the last bit
SCHEMA = {"search_path": "penstock_registry"}
CHECKPOINTS = "SELECT version, position, digest, chain, metrics FROM checkpoints WHERE model = $1 AND position > $2"
ALIASES = "SELECT model || '@' || alias AS name, max(revision) AS revision FROM alias_changes GROUP BY model, alias"
NEWEST = "SELECT model || '/' || version AS name, max(position) AS position FROM checkpoints GROUP BY model, version"


@dataclass(slots=True)
class Verdict:
    """What was found: events that are missing somewhere on the way, events that are there twice, and what else is wrong."""

    lost: int = 0
    twice: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not (self.lost or self.twice or self.problems)

    def check(self, holds: bool, problem: str) -> None:
        """Note a problem unless something holds."""
        if not holds:
            self.problems.append(problem)


@dataclass(slots=True)
class Stage:
    """One stage of the way: which events must come by, and which have."""

    name: str
    seen: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    twice: set[str] = field(default_factory=set)

    def expect(self, event_ids: Iterable[str]) -> None:
        self.missing |= set(event_ids) - self.seen

    def saw(self, event_id: str) -> None:
        if event_id in self.seen:
            self.twice.add(event_id)
        self.seen.add(event_id)
        self.missing.discard(event_id)


@dataclass(slots=True)
class Ended:
    """An outcome: when it was appended (ms since the epoch), of which event, and how it ended."""

    appended_ms: int
    event_id: str
    kind: str


class Judge:
    """Reads on in every topic at each judgement; what it has found once it does not hold against the next fault."""

    def __init__(self, sent: Sent, topics: Topics, replica: Replica, dsn: str) -> None:
        self.ended: list[Ended] = []
        self.forgiven: set[str] = set()
        self._sent = sent
        self._topics = topics
        self._replica = replica
        self._dsn = dsn
        self._stages = {name: Stage(name) for name in ("validated payments", "validated verdicts", "features", "predictions")}
        self._stages |= {name: Stage(name) for name in ("logged predictions", "logged labels", "ended", "labelled")}
        self._accepted = Accepted()
        self._expected = {PAYMENTS: 0, VERDICTS: 0}
        self._outcomes: list[bytes | None] = []
        self._validated_from: Counter[tuple[str, int]] = Counter()
        self._letters: set[Place] = set()
        self._checked_to = -1
        self._entries: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}

    async def judge(self, described: Any, look: Look, settled: bool) -> Verdict:
        """The whole judgement; `described` and `look` are what the platform said when it had come to rest, if it had."""
        verdict = Verdict()
        self._expect()
        async for read in self._topics.news(TOPICS):
            self._take(read, verdict)
        self._count_events(verdict)
        verdict.check(settled, "it did not come to rest")
        if described is not None and settled:
            await self._check_intake(verdict, look)
            async with asyncpg.create_pool(self._dsn, min_size=0, max_size=1, server_settings=SCHEMA) as pool:
                await self._check_model(verdict, described, pool)
                await self._check_registry(verdict, pool)
        del verdict.problems[PROBLEMS_MAX:]
        return verdict

    def _expect(self) -> None:
        """Every acknowledged event must come by; a label must have ended its prediction as labelled."""
        payments, verdicts = list(self._sent.payments)[self._expected[PAYMENTS] :], list(self._sent.verdicts)[self._expected[VERDICTS] :]
        self._expected = {PAYMENTS: len(self._sent.payments), VERDICTS: len(self._sent.verdicts)}
        for name in ("validated payments", "features", "predictions", "logged predictions"):
            self._stages[name].expect(payments)
        for name in ("validated verdicts", "logged labels", "labelled"):
            self._stages[name].expect(verdicts)

    def _take(self, read: Read, verdict: Verdict) -> None:
        topic = read.record.topic
        if topic in LETTERS:
            self._letters.add(_source_of(read.record))
        elif read.name == "RegistryEntry":
            entry = read.value
            before = self._entries.get((entry["kind"], entry["name"]), (0, {}))
            if entry["revision"] >= before[0]:
                self._entries[entry["kind"], entry["name"]] = (entry["revision"], json.loads(entry["body"]))
        elif not read.name:
            verdict.problems.append(f"{topic}[{read.record.partition}]@{read.record.offset} cannot be decoded")
        else:
            self._take_event(read)

    def _take_event(self, read: Read) -> None:
        topic, value = read.record.topic, read.value
        if topic == LEARNING:
            self._replica.add(read.record)
        origin = value.get(ORIGIN if topic in VALIDATED and read.name != "Tick" else "origin")
        if origin is None or read.name == "Tick" or not self._accepted.take(read.record, origin):
            return
        if topic in VALIDATED:
            self._validated_from[origin["topic"], origin["partition"]] += 1
            self._stages[f"validated {topic.partition('.')[2]}"].saw(value[EVENT_ID])
        elif topic == OUTCOMES:
            self._outcomes.append(read.record.value)
            self.ended.append(Ended(read.record.timestamp, value["event_id"], value["kind"]))
            self._stages["ended"].saw(value["event_id"])
            if value["kind"] == "labelled":
                self._stages["labelled"].saw(value["event_id"])
        else:
            stage = {FEATURES: "features", PREDICTIONS: "predictions"}.get(topic) or f"logged {read.name.lower()}s"
            self._stages[stage].saw(value["event_id"])

    def _count_events(self, verdict: Verdict) -> None:
        lost, twice = set[str](), set[str]()
        for stage in self._stages.values():
            if stage.missing or stage.twice:
                verdict.problems.append(
                    f"{stage.name}: {len(stage.missing)} missing {sorted(stage.missing)[:3]}, {len(stage.twice)} twice {sorted(stage.twice)[:3]}"
                )
            lost |= stage.missing
            twice |= stage.twice
            stage.missing, stage.twice = set(), set()
        verdict.lost, verdict.twice = len(lost), len(twice)
        self.forgiven |= lost
        accepted = self._accepted
        verdict.check(not accepted.gaps, f"{len(accepted.gaps)} gaps: {accepted.gaps[:2]}")
        changed = {topic: count for topic, count in accepted.changed.items() if topic in SAME_BYTES}
        verdict.check(not changed, f"repeats with other bytes than the first time: {changed}")
        accepted.gaps.clear()
        accepted.changed.clear()

    async def _check_intake(self, verdict: Verdict, look: Look) -> None:
        """sent = validated + dead letters + duplicates, partition by partition where the log says it, in sum where ingestion does."""
        for stream in (PAYMENTS, VERDICTS):
            topic, fold = f"events.{stream}", f"ingestion/{stream}"
            appended = await self._topics.appended(topic)
            validated = sum(count for (source, _), count in self._validated_from.items() if source == topic)
            letters = sum(place.topic == topic for place in self._letters)
            duplicates = look.count(fold, "duplicates")
            said = tuple(look.count(fold, name) for name in ("sent", "validated", "rejected"))
            verdict.check(said == (appended, validated, letters), f"{fold} counts {said}, the log holds {(appended, validated, letters)}")
            verdict.check(
                appended == validated + letters + duplicates,
                f"{topic}: {appended} ≠ {validated} valid + {letters} letters + {duplicates} twice",
            )
        verdict.check(self._sent.bad <= self._letters, f"{len(self._sent.bad - self._letters)} bad records have no dead letter")

    async def _check_model(self, verdict: Verdict, described: Any, pool: Pool) -> None:
        """The living fold, every checkpoint and every outcome are what the same log gives when it is folded here."""
        replica = self._replica
        await replica.fold_to(described.position)
        counts = {**replica.fold.counts, "pending": replica.fold.pending.open_count}
        said = dict(described.counts)
        verdict.check(said == counts, f"the trainer counts {said}, the log gives {counts}")
        ended = sum(said.get(name, 0) for name in ("pending", "labelled", "expired", "quarantined"))
        verdict.check(said["predictions"] == ended, f"{said['predictions']} predictions, {ended} ended or pending")
        verdict.check(described.chain == replica.fold.chain.hex(), "the living chain is not that of the log")
        metrics = {version.version: dict(version.metrics) for version in described.versions}
        folded = {number: version.metrics() for number, version in replica.fold.cohort.versions.items()}
        verdict.check(metrics == folded, "the living metrics are not those of the log")
        below = len(replica.outcomes)
        await replica.fold_to(self._topics.end(LEARNING)[0])
        there = len(self._outcomes)
        verdict.check(below <= there <= len(replica.outcomes), f"{there} outcomes, the log gives {below} to {len(replica.outcomes)}")
        verdict.check(self._outcomes == replica.outcomes[:there], "an outcome is not what the log gives")
        await _soon(verdict, lambda: self._compare_checkpoints(described.position, pool))
        replica.outcomes, self._outcomes = replica.outcomes[there:], []

    async def _compare_checkpoints(self, position: int, pool: Pool) -> str:
        """Every checkpoint up to `position` is in the registry, and every one that is there is what the log gives."""
        expected = self._replica.checkpoints
        rows = await pool.fetch(CHECKPOINTS, MODEL, self._checked_to)
        kept = {(row["version"], row["position"]): (row["digest"], row["chain"], row["metrics"]) for row in rows}
        absent = [key for key in expected if key[1] <= position and key not in kept]
        unequal = [key for key, checkpoint in kept.items() if expected.get(key) != checkpoint]
        if absent or unequal:
            return f"checkpoints (version, position): absent {absent[:3]}, unequal {unequal[:3]}"
        self._checked_to = position
        self._replica.checkpoints = {key: each for key, each in expected.items() if key[1] > position}
        return ""

    async def _check_registry(self, verdict: Verdict, pool: Pool) -> None:
        ledger = Ledger(pool, postgres.queries("penstock_registry"))
        broken = await ledger.broken_at()
        verdict.check(broken is None, f"the audit chain breaks at {broken}")
        await _soon(verdict, lambda: self._compare_entries(verdict, pool))

    async def _compare_entries(self, verdict: Verdict, pool: Pool) -> str:
        """The topic of the registry says what its tables say: nothing that was changed is untold."""
        async for read in self._topics.news(("registry",)):
            self._take(read, verdict)
        aliases = {("alias", row["name"]): row["revision"] for row in await pool.fetch(ALIASES)}
        newest = {("checkpoint", row["name"]): row["position"] for row in await pool.fetch(NEWEST)}
        untold = [key for key, revision in aliases.items() if self._entries.get(key, (0, {}))[0] != revision]
        untold += [key for key, position in newest.items() if self._entries.get(key, (0, {}))[1].get("position") != position]
        return f"the registry topic does not tell of {untold[:3]}" if untold else ""


async def _soon(verdict: Verdict, compare: Callable[[], Awaitable[str]]) -> None:
    """Note what a comparison finds unequal, unless it comes right within moments: what was just decided is still being told."""
    deadline_s = time.monotonic() + REGISTRY_SETTLES_S
    while (problem := await compare()) and time.monotonic() < deadline_s:
        await asyncio.sleep(RETRY_S)
    verdict.check(not problem, problem)


def _source_of(letter: Record) -> Place:
    headers = {name: value or b"" for name, value in letter.headers}
    topic, partition, offset = (headers[f"__dlq.errors.{name}"].decode() for name in ("topic", "partition", "offset"))
    return Place(topic, int(partition), int(offset))
