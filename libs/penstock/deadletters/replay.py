"""Sending dead letters back to the stream that refused them: which of them would be taken now, and what became of them."""

import base64
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping as ReadOnly, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import httpx

from penstock.deadletters.book import Book, Filter
from penstock.deadletters.desk import Desk
from penstock.deadletters.letters import Letter
from penstock.deadletters.mapping import Unmappable
from penstock.errors import PenstockError
from penstock.fold.poison import size_bytes
from penstock.fold.protocol import Output
from penstock.kafka.ports import Bounds, TopicPartition

BATCH_LETTERS_MAX = 500
BATCH_BYTES_MAX = 2_000_000  # a gateway takes 4 MB, in base64
ATTEMPTS_MAX = 5
TRIAL_TIMEOUT_S = 30.0

Judge = Callable[[Sequence[Letter]], Awaitable[ReadOnly[int, str]]]
"""Which of these records would be refused now, and with which code, by their number."""
Change = Callable[[Letter], Awaitable[Letter]]
"""A letter as it is to be sent. Raises: Unmappable for one that stays where it is; Weather."""


async def unchanged(letter: Letter) -> Letter:
    """The letter as it came."""
    return letter


@dataclass(slots=True)
class Report:
    """What a replay has found and done, in letters.

    `found` = `kept` by reason + `refused` by code (they would be refused again, and were not sent) + `sent`, or `would_be_sent` in a dry
    run. Of those that were sent `came_back` says how many were refused after all, None if that is not known yet.
    """

    found: int = 0
    sent: int = 0
    would_be_sent: int = 0
    kept: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    came_back: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        counts = {"found": self.found, "sent": self.sent, "would_be_sent": self.would_be_sent, "came_back": self.came_back}
        return counts | {"kept": dict(self.kept), "refused": dict(self.refused)}


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be sent again, and how. `judge` None: everything is sent, whatever would become of it."""

    topic: str
    chosen: Filter
    change: Change
    judge: Judge | None
    attempts_max: int = ATTEMPTS_MAX
    dry_run: bool = False
    wait_s: float = 30.0
    limit: int = 0


async def replay(desk: Desk, order: Order) -> Report:
    """Send the letters that wait and that the order means. Raises: Weather, PenstockError; run it again, and nothing counts twice."""
    bounds, report = await desk.kafka.bounds_of(order.topic), Report()
    book = await desk.book(bounds)
    ends: dict[TopicPartition, int] = {}
    attempts, group = dict[str, int](), ""
    letters = desk.letters(bounds, order.chosen)
    ready = _ready(letters, order, book, report)
    async with aclosing(letters), aclosing(ready), aclosing(_batches(ready)) as batches:
        async for batch in batches:
            refused = await order.judge(batch) if order.judge else {}
            report.refused.update(refused.values())
            taken = [each for number, each in enumerate(batch) if number not in refused]
            if order.dry_run:
                report.would_be_sent += len(taken)
            elif taken:
                ends |= await desk.send(taken)
                report.sent += len(taken)
                attempts |= {str(letter.root): letter.attempt + 1 for letter in taken}
                group = taken[-1].reasons["group"]
    if report.sent and order.wait_s and await desk.judged(group, ends, order.wait_s):
        report.came_back = await _came_back(desk, order.topic, bounds, attempts)
    return report


async def _ready(letters: AsyncGenerator[Letter], order: Order, book: Book, report: Report) -> AsyncGenerator[Letter]:
    """The letters to send, as they are to be sent."""
    async for letter in letters:
        if not book.waits(letter):
            continue
        if order.limit and report.found >= order.limit:
            return
        report.found += 1
        reason = _reason_to_keep(letter, order)
        if reason:
            report.kept[reason] += 1
            continue
        try:
            yield await order.change(letter)
        except Unmappable as error:
            report.kept[f"the mapping does not fit: {error}"] += 1


def _reason_to_keep(letter: Letter, order: Order) -> str:
    if letter.dropped:
        return "its bytes were too large for a letter"
    if letter.attempt >= order.attempts_max:
        return f"it was sent again {letter.attempt} times"
    return ""


async def _batches(letters: AsyncGenerator[Letter]) -> AsyncGenerator[list[Letter]]:
    batch: list[Letter] = []
    total_bytes = 0
    async for letter in letters:
        more_bytes = size_bytes(Output(letter.of.topic, 0, letter.key, letter.value, letter.headers))
        if batch and (len(batch) >= BATCH_LETTERS_MAX or total_bytes + more_bytes > BATCH_BYTES_MAX):
            yield batch
            batch, total_bytes = [], 0
        batch.append(letter)
        total_bytes += more_bytes
    if batch:
        yield batch


async def _came_back(desk: Desk, topic: str, before: ReadOnly[TopicPartition, Bounds], attempts: ReadOnly[str, int]) -> int:
    """How many of these attempts have a letter among what was written since."""
    since = {partition: Bounds(before[partition].end, now.end) for partition, now in (await desk.kafka.bounds_of(topic)).items()}
    roots = {str(entry.root) async for entry in desk.read(since) if isinstance(entry, Letter) and _is_of(entry, attempts)}
    return len(roots)


def _is_of(letter: Letter, attempts: ReadOnly[str, int]) -> bool:
    return attempts.get(str(letter.root)) == letter.attempt


def judge_at(http: httpx.AsyncClient, stream: str) -> Judge:
    """A judge that asks the gateway, which folds the records on trial with the contract of now."""

    async def judge(batch: Sequence[Letter]) -> ReadOnly[int, str]:
        body = {"records": [_as_json(letter) for letter in batch]}
        try:
            answer = await http.post(f"/events/{stream}/trial", json=body, timeout=TRIAL_TIMEOUT_S)
        except httpx.HTTPError as error:
            raise PenstockError(
                f"the gateway does not answer: {type(error).__name__}: {error}. Try: penstock status; --unchecked"
            ) from error
        if answer.status_code != httpx.codes.OK:
            raise PenstockError(f"the gateway answers {answer.status_code}: {answer.text}. Try: penstock ls; --unchecked")
        return {problem["event"]: problem["code"] for problem in answer.json()["problems"]}

    return judge


def _as_json(letter: Letter) -> dict[str, Any]:
    return {"key": _text(letter.key), "value": _text(letter.value), "headers": [[name, _text(data)] for name, data in letter.headers]}


def _text(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()
