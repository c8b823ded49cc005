"""A table of a shop's database as a stream: the producer is killed, started again, and each row is validated once."""

import asyncio
import os
import subprocess
from pathlib import Path

import asyncpg

from penstock.cli.platform import ENVIRONMENT
from tests.scenario.running import COMMAND, DEADLINE_S, Platform, suffix
from tests.waiting import until

ROWS = 3_000
SPEC = "streams: {{{stream}: {{key: shop, id: no, time: at, fields: {{no: long, shop: string, at: timestamp, paid: double}}}}}}"


async def filled(dsn: str, table: str, first: int, last: int) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"create table if not exists {table} (no bigint, shop text, at timestamptz, paid numeric, batch int)")
        await connection.execute(
            f"insert into {table} select n, 's' || n % 5, '2026-11-21 12:00+00'::timestamptz + n * '1 s'::interval, n / 4.0, n / 100 "
            f"from generate_series({first}, {last}) n"
        )
    finally:
        await connection.close()


def test_a_producer_that_is_killed_goes_on_and_each_row_is_validated_once(platform: Platform, tmp_path: Path) -> None:
    stream = f"sales{suffix()}"
    spec = tmp_path / "penstock.yaml"
    spec.write_text(SPEC.format(stream=stream))
    platform.penstock("apply", spec)
    asyncio.run(filled(platform.at.dsn, stream, 1, ROWS))
    command = ("produce", stream, "--query", f"select * from {stream}", "--by", "batch", "--dsn", platform.at.dsn)
    environment = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT.values()}
    with subprocess.Popen(
        [str(COMMAND), *command, "--rate", "500", "--folder", str(platform.folder)], env=environment, stderr=subprocess.DEVNULL
    ) as killed:
        until(lambda: platform.counts(f"ingestion/{stream}").get("sent", 0) > 100, DEADLINE_S)
        killed.kill()
    platform.penstock(*command, "--rate", "0")
    asyncio.run(filled(platform.at.dsn, stream, ROWS + 1, ROWS + 50))
    assert f"sent 50 to {stream}" in platform.penstock(*command, "--rate", "0")
    until(lambda: platform.counts(f"ingestion/{stream}").get("sent", 0) == ROWS + 50, DEADLINE_S)
    counts = platform.counts(f"ingestion/{stream}")
    assert (counts["validated"], counts.get("duplicates", 0), counts.get("rejected", 0)) == (ROWS + 50, 0, 0)
