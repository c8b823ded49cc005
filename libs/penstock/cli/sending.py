"""What `penstock produce` does: reads a source, holds it back, sends it, and keeps how far it has come."""

import contextlib
import os
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import typer

from penstock.cli.bar import shown
from penstock.cli.learned import learned_since_now
from penstock.cli.platform import addresses, registry, topic
from penstock.errors import PenstockError, UsageError
from penstock.journal import Journal, Source, source_of
from penstock.kafka.cluster import KafkaCluster, opened
from penstock.pace import AsLearned, Followed
from penstock.replay import Hold, Message, Replay, at_rate, at_speed, ends_of, ids_behind, sent_before
from penstock.sources.files import STANDARD_INPUT, reader_of
from penstock.sources.place import Place
from penstock.sources.reading import Reader
from penstock.spec import Model, Spec, Stream, View, part_from_json
from penstock.spec.rows import LABELS


@dataclass(frozen=True, slots=True)
class Asked:
    """What a query is: its text, the column that orders it, and where it runs; `follow_s` seconds between two readings (0: one only)."""

    query: str
    by: str
    dsn: str = field(default="", repr=False)
    anew: bool = False
    follow_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send, and how fast: see the options of `produce`. Either `file` or `asked` is given."""

    stream: str
    file: Path | None
    delay_ms: int = 0
    rate: float | None = None
    speed: float = 0.0
    limit: int = 0
    close: bool = False
    resume: bool = False
    asked: Asked | None = None


async def send(plan: Plan, folder: Path) -> Counter[str]:
    """Send what is planned to the platform; how much was sent, by stream."""
    spec = await applied_spec(folder)
    if plan.stream not in spec.streams:
        raise UsageError(f"no stream is called {plan.stream} ({', '.join(spec.streams) or 'none is applied'}). Try: penstock apply")
    followed = followed_by(spec, plan.stream) if plan.rate is None else []
    async with _held(plan, followed, folder) as holds:
        jump_ms_max = max(stream.max_jump_ms for stream in spec.streams.values())
        replay = Replay(addresses(folder).bootstrap, topic(""), holds, at_speed(plan.speed, jump_ms_max) if plan.speed else None)
        job = Job(plan, spec, replay, followed, folder)
        if plan.asked:
            await job.query(plan.asked)
        elif str(plan.file) == STANDARD_INPUT:
            await job.run(job.reader())
        else:
            await job.file()
    return replay.sent


@dataclass(frozen=True, slots=True)
class Job:
    """One run: what is planned, and what it takes."""

    plan: Plan
    spec: Spec
    replay: Replay
    followed: list[Followed]
    folder: Path

    async def file(self) -> None:
        """Send a file, so that it can go on after an interrupt."""
        source = self._source()
        async with opened(self.replay.bootstrap) as kafka:
            if self.plan.resume:
                journal = Journal.resume(self.folder, source)
                self.replay.was_sent = await sent_before(self.replay.bootstrap, kafka, journal)
            else:
                if left := Journal.left(self.folder, source):
                    say(f"an earlier run was interrupted after {left:,} events; this one begins anew. To go on instead: --resume")
                journal = Journal.begin(self.folder, source, await self._ends(kafka))
        self.replay.mark = journal.mark
        try:
            await self.run(self.reader(), journal)
        except BaseException:
            journal.write()
            say(f"interrupted: {journal.acknowledged:,} events are acknowledged. Try: the same command with --resume")
            raise
        journal.end()

    async def query(self, asked: Asked) -> None:
        """Send the rows of a query that are new."""
        try:
            from penstock.sources.postgres_query import Query, connected, database, named  # noqa: PLC0415  # asyncpg is an extra
        except ImportError as error:
            raise PenstockError("--query needs asyncpg. Try: pip install 'penstock[store]'") from error
        server = named(asked.dsn, os.environ)
        async with connected(asked.dsn) as connection:
            source = {
                "stream": self.plan.stream,
                "database": f"{server}/{await database(connection)}",
                "query": asked.query,
                "by": asked.by,
            }
            place = Place.of(self.folder, source, anew=asked.anew)
            query = Query(connection, asked.query, asked.by, self.spec.streams[self.plan.stream], place, self.plan.limit, asked.follow_s)
            await query.check()
            with place.held():
                await self._go_on(place)
                try:
                    await self.run(query)
                except BaseException:
                    place.write()
                    say("interrupted: what is acknowledged is kept. Try: the same command, which goes on behind it")
                    raise
                place.end()

    async def run(self, reader: Reader, journal: Journal | None = None) -> None:
        """Send what the reader gives; events that have a journal get their names from it."""
        letters = [topic(f"dlq.events.{name}") for name in self._streams()]
        async with shown(
            str(self.plan.file or "query"),
            reader,
            self.replay.sent,
            bootstrap=self.replay.bootstrap,
            dead_letters=letters,
            followed=self.followed,
        ):
            messages = reader.messages() if journal is None else _named(reader, journal)
            await self.replay.run(messages, self.spec if self.plan.close else None)

    def reader(self) -> Reader:
        """The reader of the file."""
        assert self.plan.file
        return reader_of(self.plan.file, self.spec, self.plan.stream, delay_ms=self.plan.delay_ms, limit=self.plan.limit)

    async def _go_on(self, place: Place) -> None:
        """Find what an interrupted run has sent and not noted."""
        async with opened(self.replay.bootstrap) as kafka:
            if not place.ended:
                place.found = await ids_behind(self.replay.bootstrap, kafka, place.ends, place.is_own)
            place.begin(await self._ends(kafka))
        self.replay.mark, self.replay.was_sent = place.mark, place.was_sent

    async def _ends(self, kafka: KafkaCluster) -> dict[str, int]:
        """Where the topics end; one that ingestion has not made yet is empty."""
        names = self._streams()
        empty = {f"{topic(f'events.{name}')}:{number}": 0 for name in names for number in range(self.spec.streams[name].partitions)}
        return empty | await ends_of(kafka, [topic(f"events.{name}") for name in names])

    def _streams(self) -> list[str]:
        """The streams that this run fills."""
        brought = (self.plan.stream,) if self.plan.asked else (self.plan.stream, self.plan.stream + LABELS)
        return [name for name in brought if name in self.spec.streams]

    def _source(self) -> Source:
        plan = self.plan
        assert plan.file
        try:
            return source_of(plan.file, stream=plan.stream, delay_ms=plan.delay_ms, limit=plan.limit)
        except OSError as error:
            raise UsageError(f"{plan.file} cannot be read: {error.strerror}") from error


async def _named(reader: Reader, journal: Journal) -> AsyncIterator[Message]:
    number = 0
    async for message in reader.messages():
        yield message._replace(headers=[("ce_id", journal.id_of(number).encode())])
        number += 1


@contextlib.asynccontextmanager
async def _held(plan: Plan, followed: list[Followed], folder: Path) -> AsyncIterator[tuple[Hold, ...]]:
    """What makes the replay wait: the rate that was given, else the models that learn from what it brings."""
    if plan.rate is None and not followed:
        say(f"no model learns from labels of {plan.stream}: going at full speed")
    if not followed:
        yield (at_rate(plan.rate),) if plan.rate else ()
        return
    async with learned_since_now([each.model for each in followed], folder) as learned:
        yield (AsLearned(followed, learned.count, learned.is_there, say).hold,)


def followed_by(spec: Spec, stream: str) -> list[Followed]:
    """The models that learn from the labels that a file brings to a stream, or to its labels' stream."""
    brought = (stream, stream + LABELS)
    return [Followed(model.name, model.label.stream) for model in spec.models.values() if model.label.stream in brought]


async def applied_spec(folder: Path) -> Spec:
    """The specification as the registry has it now."""
    async with registry(folder) as client:
        parts = [part_from_json(part.kind, part.name, part.body) for part in await client.specs()]
    return Spec(
        {part.name: part for part in parts if isinstance(part, Stream)},
        {part.name: part for part in parts if isinstance(part, View)},
        {part.name: part for part in parts if isinstance(part, Model)},
    )


def say(text: str) -> None:
    """Tell the user something beside what the command gives."""
    typer.echo(f"penstock: {text}", err=True)
