"""The campaign: prove the tests on the unbroken tree, then break it once for each mutant and run the tests that must notice."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from penstock.errors import PenstockError
from penstock.local.stack import Addresses, infrastructure
from tests.mutants.copies import Copy
from tests.mutants.patches import Mutant
from tests.mutants.running import Kind, Ran, Result, Verdict, kind_of, run_tests, try_out

LONGEST_FIRST = (Kind.PLATFORM, Kind.STACK, Kind.ALONE)
Say = Callable[[Result], None]
Item = TypeVar("Item")
Done = TypeVar("Done")


class CannotRun(PenstockError):
    """Pytest did not begin: a test that a patch names is not there, or a file cannot be imported."""


async def run(mutants: Iterable[Mutant], jobs: int, scratch: Path, say: Say) -> list[Result]:
    """Try every mutant out on `jobs` copies of the tree; `say` hears each result as it comes.

    Raises: LocalStackError; CannotRun; WrongCode when the tests would run other code than the copies'.
    """
    ordered = sorted(mutants, key=lambda mutant: LONGEST_FIRST.index(kind_of(mutant.tests)))
    async with _stack(ordered, scratch / "stack") as stack:
        copies = [Copy(scratch / f"copy{number}") for number in range(jobs)]
        for copy in copies:
            copy.check_imports()
        failing = await failing_without(ordered, copies, stack)

        async def attempt(mutant: Mutant, copy: Copy) -> Result:
            found = failing.intersection(mutant.tests)
            result = Result(mutant, Verdict.FAILS_WITHOUT, why="\n".join(found)) if found else await try_out(mutant, copy, stack)
            say(result)
            return result

        return await _on_copies(copies, ordered, attempt)


async def failing_without(mutants: Iterable[Mutant], copies: Sequence[Copy], stack: Addresses | None) -> set[str]:
    """Tests that do not pass on the unbroken tree: that they fail with a mutant would prove nothing. Raises: CannotRun."""
    tests = sorted({test for mutant in mutants for test in mutant.tests}, key=lambda test: (kind_of([test]), test))
    batches = [list(batch) for _, batch in itertools.groupby(tests, key=lambda test: kind_of([test]))]

    async def attempt(batch: Sequence[str], copy: Copy) -> Ran:
        ran = await run_tests(copy, batch, stack)
        if not ran.outcomes:  # pytest runs none when one is not there
            raise CannotRun(ran.words)
        return ran

    said = await _on_copies(copies, batches, attempt)
    return {test for batch, ran in zip(batches, said, strict=True) for test in batch if not ran.passed(test)}


async def _on_copies(copies: Iterable[Copy], items: Iterable[Item], work: Callable[[Item, Copy], Awaitable[Done]]) -> list[Done]:
    """Do the work for each item, in order, on whatever copy is free."""
    free: asyncio.Queue[Copy] = asyncio.Queue()
    for copy in copies:
        free.put_nowait(copy)

    async def on_free(item: Item) -> Done:
        copy = await free.get()
        try:
            return await work(item, copy)
        finally:
            free.put_nowait(copy)

    return await asyncio.gather(*map(on_free, items))


@asynccontextmanager
async def _stack(mutants: Iterable[Mutant], folder: Path) -> AsyncIterator[Addresses | None]:
    """One Kafka and one PostgreSQL for all mutants that need them, if any does."""
    if not any(kind_of([test]) is Kind.STACK for mutant in mutants for test in mutant.tests):
        yield None
        return
    async with infrastructure(folder) as addresses:
        yield addresses
