"""Dead letters on real Kafka: looked through, sent again, and counted once whatever happens meanwhile."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace as changed
from functools import partial
from typing import Any, NamedTuple

import httpx
import pytest

from penstock.crashpoint import CrashPoints
from penstock.deadletters.book import Filter, Groups
from penstock.deadletters.contents import Contents
from penstock.deadletters.desk import Desk
from penstock.deadletters.letters import Letter
from penstock.deadletters.mapping import Mapping
from penstock.deadletters.replay import BATCH_LETTERS_MAX, Order, Report, judge_at, replay, unchanged
from penstock.errors import PenstockError, UsageError
from penstock.fold.protocol import Output
from penstock.fold.runner import Runner
from penstock.framing.cloudevents import STRUCTURED
from penstock.framing.decoder import SINGLE_OBJECT, Decoder, fingerprint_of
from penstock.kafka.ports import Bounds, TopicPartition
from penstock.records.wire import Wire
from penstock_ingestion import sender
from penstock_ingestion.admission import Admission
from penstock_ingestion.gateway import Gateway
from penstock_ingestion.units import make_trial
from tests.conftest import Corner
from tests.integration.ingestion.test_ingestion import COUNTS, WAIT_S, WEATHER, Station, observation, station
from tests.waiting import until

HOSTILE = bytes(range(256)) * 4
ANY, AS_IT_IS = Filter(), Mapping()
RENAMED = Mapping(rename={"station": "origin"}, cast={"wind_speed": "double"})


class Died(Exception):
    """The process was ended at a crash point."""


class Dying(CrashPoints):
    """Ends what runs at a point, as a kill would, but leaves the test alive."""

    def __init__(self, point: str) -> None:
        super().__init__()
        self._at = point

    def reach(self, point: str) -> None:
        if point == self._at:
            raise Died


class Hall(NamedTuple):
    """A station with a desk for its dead letters and a gateway to ask, which takes these sources for parked."""

    here: Station
    desk: Desk
    http: httpx.AsyncClient
    parked: set[str]

    @property
    def letters(self) -> str:
        return f"{self.here.corner.prefix}dlq.events.weather"

    def order(self, mapping: Mapping = AS_IT_IS, *, checked: bool = True, chosen: Filter = ANY, **other: Any) -> Order:
        change = partial(Contents(Decoder(self.here.world.wire)).mapped, mapping=mapping) if mapping else unchanged
        return Order(self.letters, chosen, change, judge_at(self.http, "weather") if checked else None, **other)

    async def counts(self) -> list[tuple[str, int, int]]:
        """Code, waiting, sent again, of every kind."""
        bounds = await self.desk.kafka.bounds_of(self.letters)
        groups = Groups(await self.desk.book(bounds))
        async for letter in self.desk.letters(bounds, ANY):
            groups.take(letter)
        return [(kind.code, group.waiting, group.sent_again) for kind, group in groups.ordered()]

    async def winds(self) -> list[float]:
        return [event["wind_speed"] for event in await self.here.validated()]


@asynccontextmanager
async def hall(corner: Corner) -> AsyncIterator[Hall]:
    async with station(corner) as here, sender.opened(corner.bootstrap) as producer:
        parked = set[str]()
        trial = make_trial(here.world, lambda _: parked)
        gateway = Gateway(lambda stream: f"{corner.prefix}events.{stream}", producer.send, trial.judge, Admission(32))
        gateway.open({"weather": WEATHER})
        desk = Desk(corner.bootstrap, corner.kafka, corner.prefix)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway.app()), base_url="http://gateway") as http:
            yield Hall(here, desk, http, parked)


def total(runner: Runner) -> dict[str, int]:
    """The counts of all folds together."""
    return {name: sum(fold.counts[name] for fold in runner.folds.values()) for name in COUNTS}


async def counted(runner: Runner, sent: int) -> dict[str, int]:
    """The counts once so many records have been folded, and what they caused is acknowledged."""
    await until(lambda: total(runner)["sent"] >= sent, WAIT_S)
    await runner.settled()
    return total(runner)


def broken(*hours: int) -> list[bytes]:
    """Observations whose origin has another name, and whose wind is text."""
    times = {hour: f"2013-01-01T{hour:02}:00:00Z" for hour in hours}
    return [json.dumps({"station": "JFK", "observed_at": at, "wind_speed": f"{hour}.5"}).encode() for hour, at in times.items()]


async def refused(place: Hall, runner: Runner, *values: bytes) -> None:
    """Send what is broken, and wait until it is refused."""
    await place.here.produce(*values)
    assert (await counted(runner, len(values)))["rejected"] == len(values)


async def test_key_value_and_headers_of_a_letter_are_those_of_the_record(corner: Corner) -> None:
    async with hall(corner) as place, place.here.running() as runner:
        headers = (("ce_source", b"\xff\x00"), ("__dlq.errors.code", b"mine"), ("", None), ("__dlq.errors.timestamp", b""))
        events = place.here.topic("events")
        producer = await corner.kafka.producer()
        await producer.send([Output(events, 1, HOSTILE, HOSTILE, headers), Output(events, 1, b"", b"", ())])
        await producer.stop()
        assert (await counted(runner, 2))["rejected"] == 2
        letter = await place.desk.letter(place.letters, 0, 0)
        assert (letter.key, letter.value, letter.headers) == (HOSTILE, HOSTILE, headers)
        empty = await place.desk.letter(place.letters, 0, 1)
        assert (empty.key, empty.value, empty.headers) == (b"", b"", ())
        with pytest.raises(PenstockError, match="holds 0 … 1"):
            await place.desk.letter(place.letters, 0, 2)


async def test_what_is_mended_is_taken_once_and_what_is_not_is_not_sent(corner: Corner) -> None:
    async with hall(corner) as place, place.here.running() as runner:
        await refused(place, runner, *broken(0, 1, 2, 3), b"?", json.dumps(observation(5, wind_speed=900)).encode())
        assert await place.counts() == [("missing_field", 4, 0), ("not_framed", 1, 0), ("out_of_range", 1, 0)]
        dry = await replay(place.desk, place.order(RENAMED, dry_run=True))
        assert (dry.found, dry.would_be_sent, dry.sent) == (6, 4, 0)
        assert (dry.refused, dry.kept) == ({"out_of_range": 1}, {"the mapping does not fit: it cannot be read (not_framed)": 1})
        assert await replay(place.desk, place.order(RENAMED, limit=2, dry_run=True)) == Report(found=2, would_be_sent=2)
        done = await replay(place.desk, place.order(RENAMED))
        assert (done.sent, done.came_back) == (4, 0)
        assert await counted(runner, 10) == {"sent": 10, "validated": 4, "rejected": 6, "duplicates": 0}
        assert await place.winds() == [0.5, 1.5, 2.5, 3.5]
        assert await place.counts() == [("not_framed", 1, 0), ("out_of_range", 1, 0), ("missing_field", 0, 4)]
        again = await replay(place.desk, place.order(RENAMED))
        assert (again.found, again.sent) == (2, 0)


@pytest.mark.parametrize("point", ["replay.sent", "replay.noted"])
async def test_a_replay_that_dies_on_the_way_is_done_again_and_counts_once(corner: Corner, point: str) -> None:
    async with hall(corner) as place, place.here.running() as runner:
        await refused(place, runner, *broken(0, 1, 2, 3))
        with pytest.raises(Died):
            await replay(changed(place.desk, crash_points=Dying(point)), place.order(RENAMED))
        await counted(runner, 8)
        report = await replay(place.desk, place.order(RENAMED))
        assert report.sent == (4 if point == "replay.sent" else 0), "what was noted is not sent again"
        assert (await counted(runner, 8 + report.sent))["validated"] == 4
        assert await place.winds() == [0.5, 1.5, 2.5, 3.5]


async def test_two_replays_at_once_and_a_restart_between_them_count_once(corner: Corner) -> None:
    async with hall(corner) as place:
        async with place.here.running() as runner:
            await refused(place, runner, *broken(0, 1))
        unseen = await asyncio.gather(*(replay(place.desk, place.order(RENAMED, wait_s=0)) for _ in range(2)))
        assert sum(report.sent for report in unseen) >= 2
        async with place.here.running() as runner:
            await counted(runner, 2 + sum(report.sent for report in unseen))
        assert await place.winds() == [0.5, 1.5]


async def test_avro_and_cloudevents_are_mended_as_json_is(corner: Corner) -> None:
    async with hall(corner) as place, place.here.running() as runner:
        names = {"station": "string", "observed_at": "string", "wind_speed": "string"}
        schema = {"type": "record", "name": "Old", "fields": [{"name": name, "type": type} for name, type in names.items()]}
        write = await Wire(place.here.schemas).writer(place.here.topic("events"), schema)
        events = [json.loads(event) for event in broken(0, 1, 2)]
        single = SINGLE_OBJECT + fingerprint_of(schema) + write(events[1])[5:]
        cloud = json.dumps({"specversion": "1.0", "id": "c", "source": "/hall", "type": "wind", "data": events[2]}).encode()
        await place.here.produce(write(events[0]), single)
        await place.here.produce(cloud, headers=(("content-type", STRUCTURED.encode()),))
        assert (await counted(runner, 3))["rejected"] == 3
        assert await place.counts() == [("missing_field", 3, 0)]
        assert await replay(place.desk, place.order(RENAMED, dry_run=True, chosen=Filter(source="/hall"))) == Report(
            found=1, would_be_sent=1
        )
        assert (await replay(place.desk, place.order(RENAMED))).came_back == 0
        assert await place.winds() == [0.5, 1.5, 2.5]


async def test_what_a_parked_source_has_sent_stays_until_it_is_released(corner: Corner) -> None:
    async with hall(corner) as place, place.here.running() as runner:
        await place.here.produce(*broken(0), headers=(("ce_source", b"/hall"),))
        assert (await counted(runner, 1))["rejected"] == 1
        place.parked.add("/hall")
        assert await replay(place.desk, place.order(RENAMED)) == Report(found=1, refused=Counter(quarantined=1))
        place.parked.clear()
        assert (await replay(place.desk, place.order(RENAMED))).came_back == 0
        assert await place.winds() == [0.5]


async def test_what_comes_back_waits_again_and_is_not_sent_for_ever(corner: Corner) -> None:
    async with hall(corner) as place, place.here.running() as runner:
        await refused(place, runner, *broken(0, 1))
        for _ in range(2):
            report = await replay(place.desk, place.order(checked=False, attempts_max=2))
            assert (report.sent, report.came_back) == (2, 2)
        assert await place.counts() == [("missing_field", 2, 0)], "four letters more, of the same two records"
        capped = await replay(place.desk, place.order(RENAMED, attempts_max=2))
        assert (capped.sent, capped.kept) == (0, {"it was sent again 2 times": 2})
        assert (await replay(place.desk, place.order(RENAMED))).came_back == 0
        assert await place.winds() == [0.5, 1.5]


async def test_a_replay_takes_many_letters_in_batches(corner: Corner) -> None:
    async with hall(corner) as place, place.here.running() as runner:
        number = BATCH_LETTERS_MAX + 7
        await refused(place, runner, *[json.dumps(observation(1, origin="")).encode()] * number)
        report = await replay(place.desk, place.order(Mapping(), checked=False))
        assert (report.sent, report.came_back) == (number, number)


async def test_letters_are_purged_up_to_an_offset_and_the_rest_can_be_sent(corner: Corner) -> None:
    async with hall(corner) as place, place.here.running() as runner:
        await refused(place, runner, *broken(0, 1, 2))
        await place.desk.purge({TopicPartition(place.letters, 0): Bounds(0, 2)})
        assert await place.counts() == [("missing_field", 1, 0)]
        assert (await replay(place.desk, place.order(RENAMED))).came_back == 0
        assert await place.winds() == [2.5]


async def test_letters_that_no_producer_has_sent_stay_where_they_are(corner: Corner) -> None:
    async with hall(corner) as place:
        inner = await corner.topic("dlq.validated.weather", kind="dlq")

        async def is_there() -> bool:
            return await place.desk.topics() == [inner]

        await until(is_there)
        assert await place.desk.topics("validated.weather") == [inner]
        with pytest.raises(UsageError, match="evidence"):
            place.desk.stream_of(inner)
        with pytest.raises(PenstockError, match=r"nothing was ever refused on trains \(validated.weather\)"):
            await place.desk.topics("trains")


async def test_a_letter_names_the_newest_of_its_kind(corner: Corner) -> None:
    async with hall(corner) as place, place.here.running() as runner:
        await refused(place, runner, *broken(0), b"?")
        bounds = await place.desk.kafka.bounds_of(place.letters)
        newest = await place.desk.newest(bounds, Filter(codes=frozenset({"missing_field"})))
        assert isinstance(newest, Letter)
        assert (newest.at.offset, newest.code) == (0, "missing_field")
        with pytest.raises(PenstockError, match="no dead letter is like that"):
            await place.desk.newest(bounds, Filter(codes=frozenset({"no_id"})))
