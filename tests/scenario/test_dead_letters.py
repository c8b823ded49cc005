"""Events that were refused are found, mended and sent again; in the end everything is as if they had never been broken."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx

from penstock.framing.cloudevents import STRUCTURED
from tests.scenario.dead_letters import asked, compare
from tests.scenario.doors import Doors
from tests.scenario.running import DEADLINE_S, Platform, suffix
from tests.waiting import until

EVENTS, BROKEN = 400, 40


def test_what_was_broken_mended_and_sent_again_ends_as_if_it_had_never_been_broken(platform: Platform, tmp_path: Path) -> None:
    found = compare(platform, tmp_path, EVENTS, BROKEN)
    assert found["mended"] == found["never"]
    assert found["mended"]["validated"] == EVENTS
    counts = found["counts"]
    assert (counts["validated"], counts["rejected"], counts["sent"]) == (EVENTS, BROKEN, EVENTS + BROKEN + counts["duplicates"])
    assert counts["duplicates"] > 0, "the replay that was killed had sent them already"
    assert {(group["waiting"], group["sent_again"]) for group in found["left"].values()} == {(0, 13), (0, 14)}
    holds = platform.try_penstock("verify", "--model", found["model"])
    assert holds.returncode == 0, holds.stdout


def test_what_a_parked_source_has_sent_waits_until_it_is_released(platform: Platform) -> None:
    doors, source = Doors(platform), f"/hall{suffix()}"
    stream = doors.readings
    event = {"specversion": "1.0", "id": "e", "source": source, "type": "reading", "data": json.loads(asked(1))}
    answer = httpx.post(f"{platform.at.gateway}/events/{stream}", json=event, headers={"content-type": STRUCTURED})
    assert answer.status_code == 202, answer.text
    until(lambda: doors.taken(stream).get("validated") == 1, DEADLINE_S)
    platform.penstock("quarantine", stream, "--source", source)
    event |= {"id": "f", "data": json.loads(asked(2))}
    whole = ("content-type", STRUCTURED.encode())
    asyncio.run(platform.send(f"events.{stream}", [json.dumps(event).encode()], [whole]))
    until(lambda: doors.taken(stream).get("rejected") == 1, DEADLINE_S)

    def replayed() -> dict[str, Any]:
        report: dict[str, Any] = json.loads(platform.penstock("dlq", "replay", stream, "--source", source, "-o", "json"))
        return report

    assert replayed() == {"found": 1, "sent": 0, "would_be_sent": 0, "came_back": None, "kept": {}, "refused": {"quarantined": 1}}
    platform.penstock("release", stream, "--source", source)
    until(lambda: replayed()["sent"] == 1, DEADLINE_S)
    assert doors.taken(stream)["validated"] == 2
