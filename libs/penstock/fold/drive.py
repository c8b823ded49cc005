"""A fold without Kafka: for verify, backtest and tests, with the same treatment of what is missing and what is poison as on Kafka."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

from penstock.fold.limits import Limits
from penstock.fold.poison import Caused, reject, take
from penstock.fold.protocol import Fold, Missing, Output, Poison, Record

Resolve = Callable[[Missing], Awaitable[None]]


async def drive(
    fold: Fold, records: Iterable[Record], resolve: Resolve, limits: Limits | None = None
) -> AsyncIterator[tuple[Record, Caused]]:
    """Every record with what it caused, in order; a poisoned record causes nothing here, and is counted in `fold.counts`."""
    limits = limits or Limits()
    for record in records:
        yield record, await step(fold, record, resolve, limits, _nothing)


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
