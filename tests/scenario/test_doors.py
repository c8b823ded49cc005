"""Both doors into a stream, and what becomes of everything that should not have come."""

import asyncio
import json
from datetime import timedelta
from itertools import count
from typing import Any

from penstock.cli.platform import registry
from penstock.producer import SyncProducer
from tests.scenario.doors import START, Doors, failure, reading
from tests.scenario.running import DEADLINE_S, Platform
from tests.waiting import until

BROKEN = b'{"reading_id": "half a rea'
UNKNOWN_SCHEMA = b"\x00" + (2**31 - 1).to_bytes(4, "big") + b"whatever"


def test_what_comes_by_http_and_on_the_topic_comes_out_validated(platform: Platform) -> None:
    doors = Doors(platform)
    receipt = doors.post(doors.readings, reading(1))
    assert receipt.status_code == 202, receipt.text
    assert receipt.json()["id"] == "r1"
    doors.ask(reading(2))
    until(lambda: doors.taken(doors.readings).get("validated") == 2, DEADLINE_S)
    found = [record for record in platform.tail(f"validated.{doors.readings}") if record["type"] != "Tick"]
    assert [record["value"]["event_id"] for record in found] == ["r1", "r2"]
    assert [record["value"]["warmth"] for record in found] == [37.0, 74.0]
    assert [record["key"] for record in found] == ["s1", "s2"]


def test_a_producer_that_knows_an_address_and_a_name_sends_avro_that_comes_out_validated(platform: Platform) -> None:
    doors, numbers = Doors(platform), count(1)
    with SyncProducer(platform.at.bootstrap, timeout_s=DEADLINE_S) as producer:

        async def is_avro() -> bool:
            place = producer.send(doors.readings, json.loads(reading(next(numbers))))
            return bool((await platform.read(place.topic))[place.offset].name)

        until(is_avro, DEADLINE_S)
    sent = next(numbers) - 1
    until(lambda: doors.taken(doors.readings).get("validated") == sent, DEADLINE_S)
    assert doors.taken(doors.readings) == {"sent": sent, "validated": sent}


def test_the_gateway_says_what_is_wrong_and_lets_nothing_of_it_in(platform: Platform) -> None:
    doors = Doors(platform)
    assert doors.post(doors.readings, BROKEN).status_code == 400
    refused = doors.post(doors.readings, reading(1, warmth=1_048))
    assert refused.status_code == 422
    assert [(each["field"], each["code"]) for each in refused.json()["errors"]] == [("warmth", "out_of_range")]
    assert doors.post(f"nobody{doors.own}", reading(1)).status_code == 404
    assert doors.post(doors.readings, reading(1)).status_code == 202
    doors.wait(predictions=1)
    assert doors.taken(doors.readings) == {"sent": 1, "validated": 1}


def test_each_bad_event_lands_where_it_belongs_and_nothing_else_is_lost(platform: Platform) -> None:
    doors = Doors(platform)
    bad = {
        "undecodable": BROKEN,
        "unknown_schema": UNKNOWN_SCHEMA,
        "out_of_range": reading(10, warmth=1_048),
        "missing_field": reading(11, warmth=None),
        "duplicate_conflict": reading(1, warmth=99),
        "time_jump": reading(12, at="2099-01-01T00:00:00Z"),
    }
    doors.ask(reading(1), *bad.values(), reading(1), reading(2), reading(3))
    doors.wait(predictions=3)
    assert doors.taken(doors.readings) == {
        "sent": 10,
        "validated": 3,
        "duplicates": 1,
        "rejected": 6,
        **{f"rejected.{code}": 1 for code in bad},
        **{f"refused.warmth.{code}": 1 for code in ("missing_field", "out_of_range")},
    }
    letters = asyncio.run(platform.read(f"dlq.events.{doors.readings}"))
    assert [letter.record.value for letter in letters] == list(bad.values()), "bytes untouched"
    codes = [dict(letter.record.headers)["__dlq.errors.code"] for letter in letters]
    assert codes == [code.encode() for code in bad]
    answers = [each.value["event_id"] for each in asyncio.run(platform.read(f"predictions.{doors.model}"))]
    assert answers == ["r1", "r2", "r3"]


def test_a_broken_event_comes_out_of_tail_with_its_code(platform: Platform) -> None:
    doors = Doors(platform)
    doors.ask(BROKEN)
    until(lambda: doors.taken(doors.readings).get("rejected") == 1, DEADLINE_S)
    (letter,) = platform.tail(f"dlq.events.{doors.readings}")
    assert letter["value"] == BROKEN.decode()
    assert letter["headers"]["__dlq.errors.code"] == "undecodable"
    assert letter["headers"]["__dlq.errors.topic"] == f"events.{doors.readings}"


def test_a_label_for_no_known_prediction_is_counted_as_an_orphan_in_the_end(platform: Platform) -> None:
    doors = Doors(platform)
    doors.ask(reading(1), reading(2), reading(3))
    doors.wait(predictions=3)
    doors.answer(failure(1), failure(77, known_at=(START + timedelta(hours=3)).isoformat()), failure(1))
    doors.wait(labelled=1, pending=2, **{"labels.early": 1})
    assert doors.taken(doors.failures) == {"sent": 3, "validated": 2, "duplicates": 1}
    tick = json.dumps({"time": (START + timedelta(days=5)).isoformat()}).encode()
    assert doors.post(f"{doors.readings}/ticks", tick).status_code == 202
    doors.wait(predictions=3, labelled=1, expired=2, pending=0, **{"labels.orphan": 1})


def test_impact_follows_an_event_to_all_that_has_learned_from_it(platform: Platform) -> None:
    doors = Doors(platform)
    numbers = range(1, 101)
    doors.ask(*map(reading, numbers))
    doors.wait(predictions=100)
    doors.answer(*map(failure, numbers))
    doors.wait(labelled=100, pending=0)
    asyncio.run(_newest(doors))
    doors.ask(*map(reading, range(101, 111)))
    doors.wait(predictions=110)
    question = _impact(doors, f"events.{doors.readings}", 10, 20)
    assert {name: question[name] for name in ("events", "vectors", "predictions", "labels")} == {
        "events": 10,
        "vectors": 10,
        "predictions": 10,
        "labels": 0,
    }
    label = _impact(doors, f"events.{doors.failures}", 0, 1)
    assert (label["events"], label["vectors"], label["labels"], label["versions"]) == (1, 0, 1, [1])
    assert {each["position"] > label["first"] for each in label["checkpoints"]} == {True}
    assert label["replay_records"] == label["end"] - label["first"]
    nothing = platform.try_penstock("impact", "--topic", f"events.{doors.readings}", "--range", "0:1000")
    assert (nothing.returncode, "holds 0:110" in nothing.stderr) == (2, True)
    assert platform.try_penstock("impact", "--topic", "events.nobody", "--range", "0:1").returncode == 2


def _impact(doors: Doors, topic: str, start: int, end: int) -> Any:
    done = doors.platform.try_penstock("impact", "--topic", topic, "--range", f"{start}:{end}", "-o", "json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)
    assert found["model"] == doors.model
    return found


def test_rejects_change_nothing(platform: Platform) -> None:
    numbers = range(1, 101)
    good, disturbed = Doors(platform), Doors(platform)
    good.ask(*map(reading, numbers))
    disturbed.ask(*(value for number in numbers for value in (reading(number), *_nonsense(number, reading(number, warmth=151)))))
    for doors in (good, disturbed):
        doors.wait(predictions=100)
    good.answer(*map(failure, numbers))
    disturbed.answer(*(value for number in numbers for value in (failure(number), *_nonsense(number, failure(number, failed="perhaps")))))
    for doors in (good, disturbed):
        doors.wait(labelled=100, pending=0)
    assert disturbed.taken(disturbed.readings)["rejected"] == disturbed.taken(disturbed.failures)["rejected"] == 75
    (digest, metrics), (other_digest, other_metrics) = (asyncio.run(_newest(doors)) for doors in (good, disturbed))
    assert json.loads(metrics)["learned"] == 100
    assert (other_digest, other_metrics) == (digest, metrics)


def _nonsense(number: int, out_of_contract: bytes) -> list[bytes]:
    """Something bad after three of four events."""
    return [[BROKEN], [UNKNOWN_SCHEMA], [out_of_contract], []][number % 4]


async def _newest(doors: Doors) -> tuple[str, str]:
    """Digest and metrics of the newest checkpoint, once it holds the last label."""
    async with registry(doors.platform.folder) as client:

        async def is_there() -> bool:
            return bool(json.loads((await client.resolve(f"{doors.model}/1")).metrics)["learned"] == 100)

        await until(is_there, DEADLINE_S)
        newest = await client.resolve(f"{doors.model}/1")
    return newest.digest, newest.metrics
