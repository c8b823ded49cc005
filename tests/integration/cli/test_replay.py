"""What is sent arrives: on the topics of this installation, in order, and with the ticks that close it."""

import contextlib
import json
from collections import Counter
from pathlib import Path

import pytest

from penstock.cli.platform import topic
from penstock.journal import Journal
from penstock.kafka.ports import TopicPartition
from penstock.replay import Message, Replay, ends_of, sent_before
from penstock.spec import load
from tests.conftest import Corner

SPEC = """
streams:
  asked: {key: id, id: id, time: at, max_jump: 7d, fields: {id: string, at: timestamp}}
"""


def test_the_prefix_of_the_installation_is_set_before_a_topic_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert topic("events.asked") == "events.asked"
    monkeypatch.setenv("PENSTOCK_TOPIC_PREFIX", "mine.")
    assert topic("events.asked") == topic("mine.events.asked") == "mine.events.asked"


async def test_a_replay_sends_in_order_to_the_topics_of_its_installation_and_closes_them(corner: Corner) -> None:
    name, held = await corner.topic("events.asked"), list[int]()

    async def hold(sent: Counter[str]) -> None:
        held.append(sent["asked"])

    replay = Replay(corner.bootstrap, corner.prefix, (hold,))
    bodies = [json.dumps({"id": str(number), "at": number}).encode() for number in range(200)]
    await replay.run([Message("asked", "k", body, number) for number, body in enumerate(bodies)], load(SPEC))
    found = [await corner.kafka.read(TopicPartition(name, 0), offset) for offset in range(await corner.end(name))]
    values = [record.value for record in found if record is not None]
    assert values[:200] == bodies
    assert [json.loads(value or b"") for value in values[200:]] == [
        {"penstock.tick": "1970-01-01T00:00:00.199000+00:00"},
        {"penstock.tick": "1970-01-01T00:00:01.199000+00:00"},
    ]
    assert held == list(range(200)), "asked before each event with what has been sent"
    assert (replay.sent, replay.time_ms, replay.done) == ({"asked": 200}, 199, True)


class Interrupted(BaseException):
    """As Ctrl-C does it."""


SOURCE = {"stream": "asked", "file": "asked.csv"}
EVENTS = 200


async def produce(corner: Corner, journal: Journal, until: int = EVENTS) -> Replay:
    """Send the events that are not there yet; interrupted before the one with the number `until`."""

    async def hold(sent: Counter[str]) -> None:
        if sent["asked"] == until:
            raise Interrupted

    replay = Replay(corner.bootstrap, corner.prefix, (hold,), mark=journal.mark)
    replay.was_sent = await sent_before(corner.bootstrap, corner.kafka, journal)
    messages = (
        Message("asked", str(number), b"%d" % number, None, [("ce_id", journal.id_of(number).encode())]) for number in range(EVENTS)
    )
    with contextlib.suppress(Interrupted):
        await replay.run(messages)
    return replay


async def values(corner: Corner, name: str) -> list[int]:
    """What stands on the topic, partition by partition."""
    places = [(number, offset) for number in range(2) for offset in range(await corner.end(name, number))]
    records = [await corner.kafka.read(TopicPartition(name, number), offset) for number, offset in places]
    return [int(record.value or b"") for record in records if record is not None]


async def test_after_an_interrupt_it_is_known_exactly_how_far_it_came(corner: Corner, tmp_path: Path) -> None:
    name = await corner.topic("events.asked", 2)
    journal = Journal.begin(tmp_path, SOURCE, await ends_of(corner.kafka, [name]))
    replay = await produce(corner, journal, until=120)
    assert (journal.acknowledged, replay.sent.total(), replay.done) == (120, 120, False)
    assert sum(journal.ends.values()) == 120
    journal.write()
    rest = await produce(corner, Journal.resume(tmp_path, SOURCE))
    assert rest.sent.total() == 80
    assert sorted(await values(corner, name)) == list(range(EVENTS))


async def test_what_was_sent_and_not_written_down_before_a_kill_is_found_in_the_log(corner: Corner, tmp_path: Path) -> None:
    name = await corner.topic("events.asked", 2)
    other = Journal.begin(tmp_path, {**SOURCE, "file": "other.csv"}, {})
    await produce(corner, other, until=30)
    killed = Journal.begin(tmp_path, SOURCE, await ends_of(corner.kafka, [name]))
    written = Journal.resume(tmp_path, SOURCE)
    await produce(corner, killed, until=120)
    assert written.acknowledged == 0
    assert (await produce(corner, written)).sent.total() == 80
    assert sorted(await values(corner, name)) == sorted([*range(30), *range(EVENTS)])
