"""A fold without Kafka: for verify, backtest and tests, with the same treatment of what is missing and what is poison as on Kafka."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing

from penstock.fold.limits import Limits
from penstock.fold.poison import Caused, reject, take
from penstock.fold.protocol import Fold, Missing, Output, Poison, Record, Refold, Refolding, Snapshot, Unfit
from penstock.fold.setup import Again, Resolve

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


async def replay(  # a log, a fold, and what the world would do for them
    fold: Fold,
    read: Read,
    resolve: Resolve,
    see: Callable[[Caused], None],
    start: int = 0,
    epoch: int = 0,
    limits: Limits | None = None,
    again: Again | None = None,
) -> AsyncIterator[None]:
    """A log folded from `start`, where `fold` stands in this `epoch`, to its end: as `drive_all`, and back as often as a record asks.

    A record that is folded again comes again, and causes nothing; the one that asked for it is told of with what it caused before, and
    at last with what it causes now. After every batch one may look up. `again` is asked once, for a fold that is unfit (see Unit).

    Raises: Refold if it has to start before `start`; Unfit.
    """
    begun = fold.snapshot()
    while True:
        asked: Refold | None = None
        async with aclosing(read(start)) as batches:
            async for records in batches:
                try:
                    await drive_all(fold, records, resolve, see, limits)
                except Refold as refold:
                    asked = refold
                    break
                except Unfit:
                    asked, again = await again(start) if again else None, None
                    if asked is None:
                        raise
                    break
                yield
        if not asked:
            return
        see(list(asked.caused))
        _go_back(fold, begun, asked, start, epoch)


async def drive_all(
    fold: Fold, records: Iterable[Record], resolve: Resolve, see: Callable[[Caused], None], limits: Limits | None = None
) -> None:
    """As `drive`, for those who fold millions: `see` is told what each record caused, and a step that misses nothing awaits nothing."""
    limits = limits or Limits()
    for record in records:
        try:
            caused = take(fold, record, limits.output_bytes_max, _nothing)
        except Missing:
            caused = await step(fold, record, resolve, limits, _nothing)
        see(caused)


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
