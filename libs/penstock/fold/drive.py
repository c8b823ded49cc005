"""A fold without Kafka: for verify, backtest and tests, with the same treatment of what is missing and what is poison as on Kafka."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing

from penstock.fold.limits import Limits
from penstock.fold.poison import Caused, reject, take
from penstock.fold.protocol import Fold, Missing, Output, Poison, Record, Refold, Refolding, Snapshot

Resolve = Callable[[Missing], Awaitable[None]]
Read = Callable[[int], AsyncGenerator[Iterable[Record]]]
"""The records of a log from this offset on, in batches, up to where it is to be folded."""


async def drive(
    fold: Fold, records: Iterable[Record], resolve: Resolve, limits: Limits | None = None
) -> AsyncIterator[tuple[Record, Caused]]:
    """Every record with what it caused, in order; a poisoned record causes nothing here, and is counted in `fold.counts`.

    Raises: Refold where a whole log is needed; `replay` has one.
    """
    limits = limits or Limits()
    for record in records:
        yield record, await step(fold, record, resolve, limits, _nothing)


async def replay(
    fold: Fold, read: Read, resolve: Resolve, start: int = 0, epoch: int = 0, limits: Limits | None = None
) -> AsyncIterator[tuple[Record, Caused]]:
    """A log folded from `start`, where `fold` stands in this `epoch`, to its end: as `drive`, going back as often as a record asks for it.

    A record that is folded again comes again, and causes nothing; the one that asked for it comes with what it caused before, and at
    last with what it causes now.

    Raises: Refold if it has to start before `start`.
    """
    limits, begun, position = limits or Limits(), fold.snapshot(), start
    while True:
        asked: tuple[Record, Refold] | None = None
        async with aclosing(read(position)) as batches:
            async for record in _one_by_one(batches):
                try:
                    yield record, await step(fold, record, resolve, limits, _nothing)
                except Refold as refold:
                    asked = record, refold
                    break
        if not asked:
            return
        yield asked[0], list(asked[1].caused)
        _go_back(fold, begun, asked[1], start, epoch)
        position = start


async def _one_by_one(batches: AsyncIterator[Iterable[Record]]) -> AsyncIterator[Record]:
    async for records in batches:
        for record in records:
            yield record


def _go_back(fold: Fold, begun: Snapshot, refold: Refold, start: int, epoch: int) -> None:
    if not refold.can_start(epoch, start):
        raise refold
    assert isinstance(fold, Refolding), "only such a fold asks for it"
    fold.restore(begun)
    fold.begin(refold)


def reading(records: Sequence[Record]) -> Read:
    """A log in memory that begins at offset 0."""

    async def read(start: int) -> AsyncGenerator[Iterable[Record]]:
        yield records[start:]

    return read


async def step(
    fold: Fold, record: Record, resolve: Resolve, limits: Limits, refuse: Callable[[Record, Poison], Iterable[Output]]
) -> Caused:
    """Take one step, and take it again whenever something that was missing has been brought.

    Raises: AssertionError if the same thing is still missing after it was brought often enough: `resolve` or the fold has a bug.
    """
    for _ in range(limits.resolve_tries_max):
        try:
            return take(fold, record, limits.output_bytes_max, refuse)
        except Missing as missing:
            try:
                await resolve(missing)
            except Poison as poison:
                return reject(fold, record, poison, refuse)
            still_missing = missing
    raise AssertionError(f"{still_missing} is still missing after it was brought {limits.resolve_tries_max} times")


def _nothing(_: Record, __: Poison) -> Iterable[Output]:
    return ()
