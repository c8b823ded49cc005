"""`penstock rewind` as an operator uses it: an hour of wrong labels is taken back, and the heir serves."""

import asyncio
import json
from typing import Any

from penstock.cli.platform import registry
from tests.scenario.doors import Doors, failure, reading
from tests.scenario.running import DEADLINE_S, Platform
from tests.waiting import until

WRONG = range(61, 81)


def rewind(doors: Doors, *options: object, code: int = 0) -> dict[str, Any]:
    done = doors.platform.try_penstock("rewind", doors.model, *map(str, options), "-o", "json")
    assert done.returncode == code, done.stderr
    result: dict[str, Any] = json.loads(done.stdout) if not code else {"error": done.stderr}
    return result


def state(doors: Doors) -> dict[str, Any]:
    found: dict[str, Any] = doors.platform.show(doors.model)
    return found


def answer(doors: Doors, numbers: range, labelled: int, *, wrong: bool = False) -> int:
    """Labels, and the position of the log behind them."""
    doors.answer(*(failure(number, failed=(number * 37 % 100 > 50) != wrong) for number in numbers))
    doors.wait(labelled=labelled)
    return int(state(doors)["learning"]["position"])


def test_wrong_labels_are_taken_back_and_the_heir_serves(platform: Platform) -> None:
    doors, spared = Doors(platform), Doors(platform)
    for each in (doors, spared):
        each.ask(*map(reading, range(1, 121)))
        each.wait(predictions=120)
    start = answer(doors, range(1, 61), 60)
    end = answer(doors, WRONG, 80, wrong=True)
    answer(doors, range(81, 121), 120)
    answer(spared, range(1, 61), 60)
    answer(spared, range(81, 121), 100)  # a checkpoint is due at every 50th

    would = rewind(doors, "--to", start, "--without", f"{start}:{end}", "--dry-run")
    assert (would["dry_run"], would["labels"], would["predictions"]) == (True, 20, 0)
    assert state(doors)["learning"]["counts"].get("rewinds") is None, "nothing was changed"

    done = rewind(doors, "--to", start, "--without", f"{start}:{end}", "--reason", "a sensor was wired the wrong way round")
    assert (done["predictions"], done["champion"]) == (20, 1)
    assert [(heir["version"], heir["parent"], heir["proposed"]) for heir in done["heirs"]] == [(2, 1, True)]
    assert done["heirs"][0]["digest"] == newest_digest(spared), "that of a model that never got those labels"
    until(lambda: state(doors)["learning"]["champion"] == 2, DEADLINE_S)
    counts = state(doors)["learning"]["counts"]
    assert (counts["labelled"], counts["quarantined"], counts["predictions"]) == (100, 20, 120)

    doors.ask(*map(reading, range(121, 131)))
    doors.answer(*map(failure, range(121, 131)))
    doors.wait(labelled=110)
    assert platform.penstock("verify", f"{doors.model}/2").startswith(f"proved {doors.model}/2@")
    assert platform.penstock("verify", f"{doors.model}/1").startswith(f"proved {doors.model}/1@")
    look = platform.try_penstock("verify", "--model", doors.model, "-o", "json")
    assert look.returncode == 0, look.stdout


def newest_digest(doors: Doors) -> str:
    """That of the champion's newest checkpoint."""

    async def ask() -> str:
        async with registry(doors.platform.folder) as client:
            return (await client.resolve(doors.model)).digest

    return asyncio.run(ask())


def test_what_cannot_be_rewound_is_refused_with_an_exit_code(platform: Platform) -> None:
    doors = Doors(platform)
    doors.ask(reading(1))
    doors.wait(predictions=1)
    assert "stands beyond the end" in rewind(doors, "--to", 10_000, code=2)["error"]
    assert "before the first specification" in rewind(doors, "--to", 0, code=2)["error"]
    assert "is not in the log" in rewind(doors, "--to", 1, "--without", "1:10000", code=2)["error"]
    assert "is no range" in rewind(doors, "--to", 1, "--without", "ten", code=2)["error"]
    missing = platform.try_penstock("rewind", "nobody", "--to", "1")
    assert (missing.returncode, "no fold of nobody" in missing.stderr) == (1, True)
