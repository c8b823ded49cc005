"""Specifications: checked again, applied as a whole or not at all, every changed part under a new version."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from penstock.kafka.topics import TopicSpec
from penstock.records import with_features
from penstock.rpc import NotFound, Refused
from penstock.spec import Spec, check_learners, from_json
from penstock.spec.avro import feature_fields, stream_schema
from penstock_registry.compatibility import InvalidSchema
from penstock_registry.ledger import Change, Entry, Ledger
from penstock_registry.schemas import Incompatible, Schemas
from penstock_registry.topics import topics_of

MakeTopics = Callable[[Sequence[TopicSpec]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Part:
    """One version of a stream, a view or a model; `body` is canonical JSON."""

    kind: str
    name: str
    version: int
    body: str
    applied_at_ms: int
    changed: bool = False

    @property
    def entry(self) -> Entry:
        """The part as the topic tells it: the body is the part itself."""
        return Entry(self.kind, self.name, self.version, self.body)


class Specs:
    """The specifications and their versions; `make_topics` makes the topics that are not there."""

    def __init__(self, ledger: Ledger, schemas: Schemas, make_topics: MakeTopics, topic_prefix: str) -> None:
        self._ledger = ledger
        self._schemas = schemas
        self._make_topics = make_topics
        self._prefix = topic_prefix

    async def apply(self, text: str) -> list[Part]:
        """Every part of a specification, with the version it now has; what has not changed keeps its own.

        Topics are made first, so that whoever hears of a part finds them. Raises: SpecError; Refused.
        """
        spec = from_json(text)
        await asyncio.to_thread(check_learners, spec)  # imports River the first time
        for place, subject, schema in self._schemas_of(spec):
            with _refusing(place):
                await self._schemas.check(subject, schema)
        await self._make_topics(topics_of(spec, self._prefix))
        async with self._ledger.change() as change:
            return await self._write(change, spec)

    async def get(self, kind: str, name: str, version: int) -> Part:
        """One version of a part; 0 is the newest. Raises: NotFound."""
        row = await self._ledger.pool.fetchrow(self._ledger.sql["spec"], kind, name, version)
        if row is None:
            known = ", ".join(f"{part.kind} {part.name}/{part.version}" for part in await self.newest(""))
            wanted = f"{kind} {name}/{version}" if version else f"{kind} {name}"
            raise NotFound(f"there is no {wanted}; there is {known or 'nothing yet'}. Try: penstock ls")
        return Part(**row)

    async def newest(self, kind: str) -> list[Part]:
        """The newest version of every part of a kind; empty for all kinds."""
        return [Part(**row) for row in await self._ledger.pool.fetch(self._ledger.sql["newest_specs"], kind)]

    async def _write(self, change: Change, spec: Spec) -> list[Part]:
        known = {(row["kind"], row["name"]): Part(**row) for row in await change.connection.fetch(change.sql["newest_specs"], "")}
        parts = [_next(known.get((kind, name)), kind, name, body, change.at_ms) for kind, name, body in spec.parts()]
        news: list[Entry] = []
        for place, subject, schema in self._schemas_of(spec):
            with _refusing(place):
                news += (await self._schemas.register_in(change, subject, schema)).entries
        changed = [part for part in parts if part.changed]
        _refuse_another_task(changed, known)
        for part in changed:
            await change.connection.execute(change.sql["add_spec"], part.kind, part.name, part.version, part.body, part.applied_at_ms)
        if changed or news:
            what = {"parts": [{"kind": part.kind, "name": part.name, "version": part.version, "body": part.body} for part in changed]}
            await change.record("apply", what, (*news, *(part.entry for part in changed)))
        return parts

    def _schemas_of(self, spec: Spec) -> Iterator[tuple[str, str, str]]:
        """Place in the file, subject and schema of every record whose schema the specification makes."""
        for name, stream in spec.streams.items():
            schema = stream_schema(stream)
            subject = f"{self._prefix}validated.{name}-{schema['namespace']}.{schema['name']}"
            yield f"streams.{name}", subject, json.dumps(schema)
        for name, model in spec.models.items():
            fields = feature_fields(spec.views[model.view], spec)
            for family, record in (("features", "FeatureVector"), ("predictions", "Prediction")):
                subject = f"{self._prefix}{family}.{name}-penstock.{record}"
                yield f"views.{model.view}", subject, json.dumps(with_features(record, fields))


def _next(known: Part | None, kind: str, name: str, body: str, at_ms: int) -> Part:
    if known is None:
        return Part(kind, name, 1, body, at_ms, True)
    return known if known.body == body else Part(kind, name, known.version + 1, body, at_ms, True)


def _refuse_another_task(changed: Sequence[Part], known: Mapping[tuple[str, str], Part]) -> None:
    """What a model was asked and told stands in its log for ever. Raises: Refused."""
    for part in changed:
        before = known.get((part.kind, part.name)) if part.kind == "model" else None
        if before is not None and json.loads(before.body)["task"] != (task := json.loads(part.body)["task"]):
            raise Refused(f"models.{part.name}.task: was {json.loads(before.body)['task']}, and cannot become {task}. Try: another name")


@contextlib.contextmanager
def _refusing(place: str) -> Iterator[None]:
    """Names the part of the file whose schema is refused."""
    try:
        yield
    except (Incompatible, InvalidSchema) as error:
        raise Refused(f"{place}: {error}. Try: a new name for what changed its type; new fields nullable") from error
