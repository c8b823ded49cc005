"""A new user's session with dead letters: three causes among many events, found, mended and sent again; also by hand, in full."""

import json
import shutil
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from penstock.local.stack import start_detached, stop
from tests.scenario.doors import SPEC, START, Doors, failure, reading
from tests.scenario.running import DEADLINE_S, Platform
from tests.waiting import until

EVENTS, BROKEN = 20_000, 1_000
WIDER = SPEC.replace("range: [-50, 150]", "range: [-50, 400]")
KILLED = -9


def asked(number: int) -> bytes:
    """One event a second: all of them lie within the horizon, so that what is mended late is still answered."""
    return reading(number, at=(START + timedelta(seconds=number)).isoformat())


def answered(number: int) -> bytes:
    """The label, two hours later."""
    return failure(number, known_at=(START + timedelta(seconds=number, hours=2)).isoformat())


def broken(number: int) -> bytes:
    """An event that is refused in one of three ways: a number as text, a field with another name, a range that was declared too narrow."""
    fields = json.loads(asked(number))
    match number % 3:
        case 0:
            fields["warmth"] = str(fields["warmth"])
        case 1:
            fields["temp"] = fields.pop("warmth")
        case _:
            fields["warmth"] += 200
    return json.dumps(fields).encode()


def whole(number: int) -> bytes:
    """What the broken event should have been."""
    fields = json.loads(asked(number))
    return json.dumps(fields | {"warmth": fields["warmth"] + (200 if number % 3 == 2 else 0)}).encode()


class Session:
    """What the user does, command after command; each is shown where `aloud`."""

    def __init__(self, doors: Doors, *, aloud: bool = False) -> None:
        self.doors = doors
        self._aloud = aloud

    def penstock(self, *arguments: str) -> str:
        """What a command prints."""
        text = self.doors.platform.penstock(*arguments)
        if self._aloud:
            sys.stdout.write(f"$ penstock {' '.join(arguments)}\n{text}\n")
        return text

    def groups(self) -> dict[str, dict[str, Any]]:
        """What `dlq ls` says, by code and message."""
        found = json.loads(self.doors.platform.penstock("dlq", "ls", self.doors.readings, "-o", "json"))
        return {f"{group['code']}: {group['message']}": group for group in found}

    def run(self, mapping: Path, apply: Path) -> None:
        """Look, mend the two that the device has broken, then the third, which was the specification's fault."""
        stream = self.doors.readings
        self.penstock("dlq", "ls", stream)
        self.penstock("dlq", "show", stream, "--code", "wrong_type")
        self.penstock("dlq", "replay", stream, "--dry-run")
        mapping.write_text("rename: {temp: warmth}\ncast: {warmth: double}\n")
        self.penstock("dlq", "replay", stream, "--mapping", str(mapping), "--dry-run")
        killed = self.doors.platform.try_penstock("dlq", "replay", stream, "--mapping", str(mapping), PENSTOCK_CRASH_AT="replay.sent")
        assert killed.returncode == KILLED, f"it should have died between sending and noting: {killed.stdout}{killed.stderr}"
        self.penstock("dlq", "replay", stream, "--mapping", str(mapping))
        self.penstock("dlq", "ls", stream)
        apply.write_text(WIDER.format(own=self.doors.own))
        self.penstock("apply", str(apply))
        until(self._is_wider, DEADLINE_S)
        self.penstock("dlq", "replay", stream)
        self.penstock("dlq", "ls", stream)

    def _is_wider(self) -> bool:
        """Whether ingestion works by the new range: only what it lets in now is sent."""
        dry = json.loads(self.doors.platform.penstock("dlq", "replay", self.doors.readings, "--dry-run", "-o", "json"))
        return bool(dry["would_be_sent"] == dry["found"] > 0)


def compare(platform: Platform, folder: Path, events: int, broken_events: int, *, aloud: bool = False) -> dict[str, Any]:
    """A run in which every so-manieth event was broken, mended and sent again, beside one that was never broken; what is equal of both."""
    every = events // broken_events
    never, mended = Doors(platform, WIDER), Doors(platform)
    numbers = range(1, events + 1)
    is_broken = {number: number % every == 0 for number in numbers}
    never.ask(*(whole(number) if is_broken[number] else asked(number) for number in numbers))
    mended.ask(*(broken(number) if is_broken[number] else asked(number) for number in numbers))
    until(lambda: mended.taken(mended.readings).get("rejected") == broken_events, DEADLINE_S)
    for doors in (never, mended):
        doors.answer(*map(answered, numbers))
    Session(mended, aloud=aloud).run(folder / "mapping.yaml", folder / "penstock.yaml")
    for doors in (never, mended):
        doors.wait(predictions=events, labelled=events, pending=0)
    ends = {"never": _end(never), "mended": _end(mended)}
    return {**ends, "left": Session(mended).groups(), "counts": mended.taken(mended.readings), "model": mended.model}


def _end(doors: Doors) -> dict[str, Any]:
    """What a run comes to: every validated event with its fields, and the ends of its predictions."""
    events = [record["value"] for record in doors.platform.tail(f"validated.{doors.readings}") if record["type"] != "Tick"]
    counts = doors.platform.show(doors.model)["learning"]["counts"]
    ends = {name: counts[name] for name in ("predictions", "labelled", "expired", "quarantined") if name in counts}
    fields = {each["event_id"]: {name: each[name] for name in ("sensor", "at", "warmth")} for each in events}
    return {"ends": ends, "validated": len(events), "events": fields}


def main() -> None:
    """The whole session: 1,000 of 20,000 events."""
    folder = Path(tempfile.mkdtemp(prefix="penstock-dlq-"))
    start_detached(folder)
    try:
        found = compare(Platform(folder), folder, EVENTS, BROKEN, aloud=True)
        assert found["never"] == found["mended"], "the two runs differ"
        sys.stdout.write(
            f"equal: {found['mended']['validated']:,} events, {found['mended']['ends']}; ingestion counted {found['counts']}\n"
        )
    finally:
        stop(folder)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
