"""`penstock produce --query` on real PostgreSQL and Kafka: each row is sent once, whatever stops a run and whatever comes between."""

import asyncio
import contextlib
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from penstock.cli.bar import shown
from penstock.cli.sending import Asked, Job, Plan
from penstock.errors import PenstockError, UsageError
from penstock.kafka.ports import TopicPartition
from penstock.pace import Followed
from penstock.replay import Replay
from penstock.sources.postgres_query import BATCH_ROWS, Query, connected
from penstock.spec import load
from tests.conftest import Corner
from tests.waiting import until

SPEC = load(
    "streams: {sales: {key: shop, id: no, time: at, partitions: 2, fields: {no: long, shop: string, at: timestamp, "
    "paid: {type: double, nullable: true}, card: {type: boolean, nullable: true}, note: {type: string, nullable: true}}}}"
)
TABLE = "create table sales (no bigint, shop text, at timestamptz, paid numeric(9, 2), card boolean, note jsonb, grown numeric)"
INSERT = (
    "insert into sales select n, 's' || n % 7, '2026-11-21 12:00:00.5+00'::timestamptz + n * '1 s'::interval, n / 4.0, n % 2 = 0, "
    "case n % 3 when 0 then '\"text\"'::jsonb when 1 then '{\"a\": 1}'::jsonb end, (n / 3) * 1.0 from generate_series($1::int, $2::int) n"
)
QUERY = "select no, shop, at, paid, card, note, grown from sales;"


class Interrupted(BaseException):
    """As Ctrl-C does it."""


async def job(corner: Corner, folder: Path, until: int = -1, **options: Any) -> Replay:
    """Send what is new; interrupted before the event with the number `until`."""

    async def hold(sent: Counter[str]) -> None:
        if sent["sales"] == until:
            raise Interrupted

    replay = Replay(corner.bootstrap, corner.prefix, (hold,))
    asked = Asked(**{"query": f"set_here {QUERY}", "by": "grown", "dsn": corner.dsn} | options)
    asked = Asked(asked.query.replace("set_here ", "").replace("from sales", f"from {corner.schema}.sales"), asked.by, asked.dsn, asked.anew)
    with contextlib.suppress(Interrupted):
        await Job(Plan("sales", None, asked=asked), SPEC, replay, [], folder).query(asked)
    return replay


@pytest.fixture
async def sales(corner: Corner, monkeypatch: pytest.MonkeyPatch) -> Corner:
    """A table that is filled as one goes, and the topic of its stream."""
    monkeypatch.setenv("PENSTOCK_TOPIC_PREFIX", corner.prefix)
    await corner.topic("events.sales", 2)
    await corner.pool.execute(TABLE)
    return corner
