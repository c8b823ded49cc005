"""A table of a shop's database as a stream, each row validated once though the producer is killed; and lines as somebody types them."""

import asyncio
import json
import subprocess
from functools import partial
from pathlib import Path

import asyncpg

from tests.scenario.running import COMMAND, DEADLINE_S, Platform, as_a_user, suffix
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
    with subprocess.Popen(
        [str(COMMAND), *command, "--rate", "500", "--folder", str(platform.folder)], env=as_a_user(), stderr=subprocess.DEVNULL
    ) as killed:
        until(lambda: platform.counts(f"ingestion/{stream}").get("sent", 0) > 100, DEADLINE_S)
        killed.kill()
    platform.penstock(*command, "--rate", "0")
    asyncio.run(filled(platform.at.dsn, stream, ROWS + 1, ROWS + 50))
    assert f"sent 50 to {stream}" in platform.penstock(*command, "--rate", "0")
    until(lambda: platform.counts(f"ingestion/{stream}").get("sent", 0) == ROWS + 50, DEADLINE_S)
    counts = platform.counts(f"ingestion/{stream}")
    assert (counts["validated"], counts.get("duplicates", 0), counts.get("rejected", 0)) == (ROWS + 50, 0, 0)


def test_each_line_of_standard_input_arrives_before_the_next_is_there(platform: Platform, tmp_path: Path) -> None:
    stream = f"typed{suffix()}"
    spec = tmp_path / "penstock.yaml"
    spec.write_text(SPEC.format(stream=stream))
    platform.penstock("apply", spec)

    def has(number: int) -> bool:
        return platform.counts(f"ingestion/{stream}").get("validated", 0) == number

    row = {"shop": "s1", "at": "2026-11-21T12:00:00Z", "paid": 1.5}
    with subprocess.Popen(
        [str(COMMAND), "produce", stream, "-", "--folder", str(platform.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=as_a_user(),
    ) as producer:
        assert producer.stdin
        assert producer.stdout
        for number in range(1, 4):
            producer.stdin.write(json.dumps({"no": number, **row}).encode() + b"\n")
            producer.stdin.flush()
            until(partial(has, number), DEADLINE_S)
        producer.stdin.close()
        assert f"sent 3 to {stream}" in producer.stdout.read().decode()
    assert producer.returncode == 0
    closed = ["sh", "-c", 'exec "$0" "$@" <&-', str(COMMAND), "produce", stream, "-", "--folder", str(platform.folder)]
    refused = subprocess.run(closed, capture_output=True, text=True, env=as_a_user(), check=False)
    assert (refused.returncode, "there is no standard input. Try: a file" in refused.stderr) == (1, True), refused.stderr
