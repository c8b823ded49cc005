"""The fleet: what runs follows what should, and a unit that cannot run keeps no other from running."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Hashable
from functools import partial
from typing import Any

import pytest

from penstock.errors import PenstockError
from penstock.fleet import Fleet, Plan
from penstock.fold.protocol import Unfit
from penstock.records.schemas import SchemaRegistryError
from tests.waiting import until


class Diary:
    """What happened, in order; also the log of the fleet."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.errors: list[dict[str, Any]] = []

    def info(self, event: str, **fields: Any) -> None:
        self.lines.append(f"{event} {fields['unit']} {fields['version']}")

    def error(self, event: str, **fields: Any) -> None:
        self.errors.append({"event": event, **fields})


class FakeRunner:
    """Runs until it is cancelled, or until it is told to fail; a clean stop takes a turn of the loop, and a second cancel spoils it."""

    def __init__(self, name: str, diary: Diary) -> None:
        self.name, self.diary = name, diary
        self.folds: dict[int, Any] = {}
        self.failed = asyncio.Event()
        self.is_unfit = False
        self.waited_for = asyncio.Event()
        self.round_made = asyncio.Event()

    async def turned(self) -> None:
        self.waited_for.set()
        await self.round_made.wait()

    async def run(self) -> None:
        self.diary.lines.append(f"runs {self.name}")
        try:
            await self.failed.wait()
            self.failed.clear()
            raise (Unfit if self.is_unfit else PenstockError)(f"{self.name} failed")
        except asyncio.CancelledError:
            gone = asyncio.Event()
            asyncio.get_running_loop().call_soon(gone.set)
            await gone.wait()
            self.diary.lines.append(f"stopped {self.name}")
            raise


class House:
    """A fleet with what it should run: `wanted` by unit; units in `refused` cannot be made."""

    def __init__(self, **wanted: Hashable) -> None:
        self.diary = Diary()
        self.wanted = wanted
        self.refused: set[str] = set()
        self.made: dict[str, FakeRunner] = {}
        self._changes: asyncio.Queue[None] = asyncio.Queue()
        self.adjusted = 0
        self.fleet = Fleet(self._plans, self.diary)

    def _plans(self) -> list[Plan]:
        return [Plan(name, version, partial(self._make, f"{name} {version}")) for name, version in self.wanted.items()]

    async def _make(self, name: str) -> Any:
        if name in self.refused:
            raise SchemaRegistryError(f"the schema of {name} was refused")
        self.made[name] = FakeRunner(name, self.diary)
        return self.made[name]

    async def _each_change(self) -> AsyncIterator[None]:
        while True:
            self.adjusted += 1
            await self._changes.get()
            yield

    async def change(self, **wanted: Hashable) -> None:
        """Wait until the fleet has followed a change to these units."""
        before, self.wanted = self.adjusted, wanted
        self._changes.put_nowait(None)
        await until(lambda: self.adjusted > before)

    @contextlib.asynccontextmanager
    async def followed(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.fleet.follow(self._each_change()))
        try:
            await until(lambda: self.adjusted > 0 or task.done())
            yield task
        finally:
            task.cancel()
            await asyncio.wait([task])


async def test_units_start_as_they_come_and_stop_as_they_go() -> None:
    house = House(a=1)
    async with house.followed():
        await house.change(a=1, b=1)
        await until(lambda: "runs b 1" in house.diary.lines)
        assert set(house.fleet.runners) == {"a", "b"}
        await house.change(b=1)
        assert set(house.fleet.runners) == {"b"}
    assert house.diary.lines.count("runs a 1") == house.diary.lines.count("runs b 1") == 1
    assert house.diary.lines.index("stopped a 1") < house.diary.lines.index("stopped b 1")


async def test_it_has_begun_when_every_unit_has_made_a_round() -> None:
    house = House(a=1, b=1)
    async with house.followed():
        begun = asyncio.create_task(house.fleet.begun(timeout_s=60))
        house.made["a 1"].round_made.set()
        await until(house.made["b 1"].waited_for.is_set)
        assert not begun.done()
        house.made["b 1"].round_made.set()
        await begun


async def test_a_unit_that_the_weather_holds_up_does_not_hold_up_the_service() -> None:
    house = House(a=1)
    async with house.followed():
        await house.fleet.begun(timeout_s=0.01)
    await House().fleet.begun(timeout_s=0.01)


async def test_a_new_version_starts_after_the_old_one_has_stopped_cleanly() -> None:
    house = House(a=1, b=1)
    async with house.followed():
        await house.change(a=2, b=1)
        await until(lambda: "runs a 2" in house.diary.lines)
        assert house.diary.lines.index("stopped a 1") < house.diary.lines.index("runs a 2")
        assert "stopped b 1" not in house.diary.lines


async def test_a_unit_that_cannot_be_made_keeps_no_other_from_running_and_is_told_loudly() -> None:
    house = House(a=1, b=1)
    house.refused = {"a 1"}
    async with house.followed():
        await until(lambda: "runs b 1" in house.diary.lines)
        assert set(house.fleet.runners) == {"b"}
    (told,) = house.diary.errors
    assert told | {"cure": ""} == {
        "event": "unit_refused",
        "unit": "a",
        "version": "1",
        "reason": "the schema of a 1 was refused",
        "runs": "not at all",
        "cure": "",
    }


async def test_a_unit_that_could_not_be_made_is_tried_again_at_the_next_change() -> None:
    house = House(a=1)
    house.refused = {"a 1"}
    async with house.followed():
        assert not house.fleet.runners
        house.refused = set()
        await house.change(a=1)
        await until(lambda: "runs a 1" in house.diary.lines)


async def test_a_new_version_that_cannot_be_made_leaves_the_old_one_running() -> None:
    house = House(a=1)
    house.refused = {"a 2"}
    async with house.followed():
        await until(lambda: "runs a 1" in house.diary.lines)
        await house.change(a=2)
        assert house.diary.errors[0]["runs"] == "as it was"
        assert "stopped a 1" not in house.diary.lines
        await house.change(a=3)
        await until(lambda: "runs a 3" in house.diary.lines)
        assert house.diary.lines.index("stopped a 1") < house.diary.lines.index("runs a 3")


async def test_a_runner_that_fails_ends_the_fleet_and_the_others_stop_cleanly() -> None:
    house = House(a=1, b=1)
    async with house.followed() as task:
        await until(lambda: "runs b 1" in house.diary.lines)
        house.made["a 1"].failed.set()
        with pytest.raises(ExceptionGroup) as failed:
            await task
    assert failed.group_contains(PenstockError, match="a 1 failed")
    assert "stopped b 1" in house.diary.lines


async def test_a_unit_whose_log_cannot_be_folded_here_waits_until_it_may_try_again_and_the_others_go_on() -> None:
    house = House(a=1, b=1)
    async with house.followed() as task:
        await until(lambda: "runs b 1" in house.diary.lines)
        house.made["a 1"].is_unfit = True
        house.made["a 1"].failed.set()
        await until(lambda: "a" in house.fleet.refused)
        assert house.fleet.refused == {"a": "a 1 failed"}
        assert [(each["event"], each["unit"], each["runs"]) for each in house.diary.errors] == [("unit_refused", "a", "not at all")]
        assert not task.done()
        assert "stopped b 1" not in house.diary.lines
        house.fleet.try_again("a")
        assert not house.fleet.refused
        await until(lambda: house.diary.lines.count("runs a 1") == 2)
        house.fleet.try_again("nobody")
    assert house.diary.lines.count("stopped a 1") == house.diary.lines.count("stopped b 1") == 1


async def test_a_refused_unit_that_goes_is_refused_no_more() -> None:
    house = House(a=1, b=1)
    async with house.followed():
        await until(lambda: "runs a 1" in house.diary.lines)
        house.made["a 1"].is_unfit = True
        house.made["a 1"].failed.set()
        await until(lambda: "a" in house.fleet.refused)
        await house.change(b=1)
        await until(lambda: not house.fleet.refused)
        assert set(house.fleet.runners) == {"b"}


async def test_a_bug_in_what_makes_a_runner_ends_the_fleet() -> None:
    house = House()

    async def broken() -> Any:
        raise ZeroDivisionError

    fleet = Fleet(lambda: [Plan("a", 1, broken)], house.diary)
    with pytest.raises(ExceptionGroup) as failed:
        await fleet.follow(house._each_change())
    assert failed.group_contains(ZeroDivisionError)


async def test_when_following_is_cancelled_every_runner_has_stopped_cleanly() -> None:
    house = House(a=1, b=1)
    async with house.followed() as task:
        await until(lambda: "runs b 1" in house.diary.lines)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert {"stopped a 1", "stopped b 1"} <= set(house.diary.lines)
        assert not house.fleet.runners
