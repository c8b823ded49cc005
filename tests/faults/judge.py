"""The judge: after a fault, is everything there that was sent, is nothing there twice, and is the model what its log makes of it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from penstock import postgres
from penstock_registry.ledger import Ledger
from tests.faults.books import LEARNING, REGISTRY, TOPICS, Books, Verdict
from tests.faults.kept import EVENTS, Kept
from tests.faults.load import MODEL, PAYMENTS, VERDICTS, Sent
from tests.faults.replica import Replica
from tests.faults.topics import Topics
from tests.faults.watch import Look

Pool = asyncpg.Pool

TOLD_WITHIN_S = 10.0
RETRY_S = 0.2
PROBLEMS_MAX = 8
SCHEMA = {"search_path": "penstock_registry"}
CHECKPOINTS = "SELECT version, position, digest, chain, metrics FROM checkpoints WHERE model = $1 AND position > $2"
ALIASES = "SELECT model || '@' || alias AS name, max(revision) AS revision FROM alias_changes GROUP BY model, alias"
NEWEST = "SELECT model || '/' || version AS name, max(position) AS position FROM checkpoints GROUP BY model, version"


class Judge:
    """Reads on in every topic at each judgement; what it has found once it does not hold against the next fault."""

    def __init__(self, sent: Sent, topics: Topics, replica: Replica, dsn: str) -> None:
        self.books = Books()
        self.kept = Kept()
        self._sent = sent
        self._topics = topics
        self._replica = replica
        self._dsn = dsn
        self._checked_to = -1

    async def judge(self, described: Any, look: Look, settled: bool) -> Verdict:
        """The whole judgement; `described` and `look` are what the platform said when it had come to rest, if it had."""
        verdict = Verdict()
        verdict.check(settled, "it did not come to rest")
        self.books.expect(self._sent)
        self.kept.expect(self._sent)
        await self._read_events(verdict)
        await self._read(TOPICS, verdict)
        self.books.close(verdict)
        self.kept.close(verdict)
        if described is not None and settled:
            await self._check_intake(verdict, look)
            async with asyncpg.create_pool(self._dsn, min_size=0, max_size=1, server_settings=SCHEMA) as pool:
                await self._check_model(verdict, described, pool)
                await self._check_registry(verdict, pool)
        del verdict.problems[PROBLEMS_MAX:]
        return verdict

    async def _read_events(self, verdict: Verdict) -> None:
        async for read in self._topics.news(EVENTS):
            problem = self.kept.take_event(read.record)
            verdict.check(not problem, problem)

    async def _read(self, topics: tuple[str, ...], verdict: Verdict) -> None:
        async for read in self._topics.news(topics):
            if read.record.topic == LEARNING:
                self._replica.add(read.record)
            for problem in (self.books.take(read), self.kept.take(read)):
                verdict.check(not problem, problem)

    async def _check_intake(self, verdict: Verdict, look: Look) -> None:
        """sent = validated + dead letters + duplicates: as the topics hold it, and as ingestion counts it."""
        letters = self.books.letters
        for stream in (PAYMENTS, VERDICTS):
            topic, fold = f"events.{stream}", f"ingestion/{stream}"
            appended = await self._topics.appended(topic)
            there = (appended, self.books.validated_from[topic], sum(place.topic == topic for place in letters))
            said = tuple(look.count(fold, name) for name in ("sent", "validated", "rejected"))
            verdict.check(said == there, f"{fold} counts {said} sent, validated and rejected; the topics hold {there}")
            in_all = sum(there[1:]) + look.count(fold, "duplicates")
            verdict.check(appended == in_all, f"{topic} holds {appended}; valid ones, dead letters and duplicates are {in_all}")
        verdict.check(self._sent.bad <= letters, f"{len(self._sent.bad - letters)} bad records have no dead letter")

    async def _check_model(self, verdict: Verdict, described: Any, pool: Pool) -> None:
        """The living fold, every checkpoint and every outcome are what the same log gives when it is folded here."""
        replica, fold, said = self._replica, self._replica.fold, dict(described.counts)
        await replica.fold_to(described.position)
        counts = {**fold.counts, "pending": fold.pending.open_count}
        verdict.check(said == counts, f"the trainer counts {said}, the log gives {counts}")
        ended = sum(said.get(name, 0) for name in ("pending", "labelled", "expired", "quarantined"))
        verdict.check(said.get("predictions", 0) == ended, f"{said.get('predictions', 0)} predictions, {ended} pending or ended")
        verdict.check(described.chain == fold.chain.value.hex(), "the living chain is not that of the log")
        metrics = {version.version: dict(version.metrics) for version in described.versions}
        folded = {number: version.metrics() for number, version in fold.cohort.versions.items()}
        verdict.check(metrics == folded, "the living metrics are not those of the log")
        await self._check_outcomes(verdict)
        await _soon(verdict, lambda: self._compare_checkpoints(described.position, pool))

    async def _check_outcomes(self, verdict: Verdict) -> None:
        """Outcomes that idle ticks have caused since the fold was described may be there or not."""
        replica, below = self._replica, len(self._replica.outcomes)
        await replica.fold_to(self._topics.next_offset(LEARNING))
        found, self.books.outcomes = self.books.outcomes, []
        given, replica.outcomes = replica.outcomes, replica.outcomes[len(found) :]
        verdict.check(below <= len(found) <= len(given), f"{len(found)} outcomes, the log gives {below} to {len(given)}")
        verdict.check(found == given[: len(found)], "an outcome is not what the log gives")

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
        broken = await Ledger(pool, postgres.queries("penstock_registry")).broken_at()
        verdict.check(broken is None, f"the audit chain breaks at {broken}")
        await _soon(verdict, lambda: self._compare_entries(verdict, pool))

    async def _compare_entries(self, verdict: Verdict, pool: Pool) -> str:
        """The topic of the registry says what its tables say: nothing that was changed is untold."""
        await self._read((REGISTRY,), verdict)
        entries = self.books.entries
        aliases = {("alias", row["name"]): row["revision"] for row in await pool.fetch(ALIASES)}
        newest = {("checkpoint", row["name"]): row["position"] for row in await pool.fetch(NEWEST)}
        untold = [key for key, revision in aliases.items() if entries.get(key, (0, {}))[0] != revision]
        untold += [key for key, position in newest.items() if entries.get(key, (0, {}))[1].get("position") != position]
        return f"the registry topic does not tell of {untold[:3]}" if untold else ""


async def _soon(verdict: Verdict, compare: Callable[[], Awaitable[str]]) -> None:
    """Note what a comparison finds unequal, unless it comes right within moments: what was just decided is still being told."""
    deadline_s = time.monotonic() + TOLD_WITHIN_S
    while (problem := await compare()) and time.monotonic() < deadline_s:
        await asyncio.sleep(RETRY_S)
    verdict.check(not problem, problem)
