"""What is sent arrives: on the topics of this installation, in order, and with the ticks that close it."""

import json
from collections import Counter

import pytest

from penstock.cli.platform import topic
from penstock.kafka.ports import TopicPartition
from penstock.replay import Message, Replay
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
