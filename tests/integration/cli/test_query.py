"""`penstock produce --query` on real PostgreSQL and Kafka: each row is sent once, whatever stops a run and whatever comes between."""

import contextlib
import io
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from rich.console import Console

from penstock.cli.bar import shown
from penstock.cli.sending import Asked, Job, Plan
from penstock.errors import PenstockError, UsageError
from penstock.kafka.ports import TopicPartition
from penstock.pace import Followed
from penstock.replay import Message, Replay
from penstock.sources.place import Place
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
    "case n % 3 when 0 then '\"text\"'::jsonb when 1 then '{\"a\": 1}'::jsonb end, $3 from generate_series($1::int, $2::int) n"
)


class Interrupted(BaseException):
    """As Ctrl-C does it."""


@dataclass(frozen=True, slots=True)
class Shop:
    """A table of sales, and the topic of their stream."""

    corner: Corner
    folder: Path

    async def sell(self, first: int, last: int, grown: float) -> None:
        """Commit rows with these numbers; `grown` is the column that orders."""
        await self.corner.pool.execute(INSERT, first, last, grown)

    async def produce(self, interrupted_at: int = -1, by: str = "grown", rows: str = "", anew: bool = False) -> int:
        """Send what is new, at most so many events; how many were sent."""

        async def hold(sent: Counter[str]) -> None:
            if sent["sales"] == interrupted_at:
                raise Interrupted

        replay = Replay(self.corner.bootstrap, self.corner.prefix, (hold,))
        query = rows or f"select * from {self.corner.schema}.sales;"
        with contextlib.suppress(Interrupted):
            plan = Plan("sales", None, asked=Asked(query, by, self.corner.dsn, anew))
            await Job(plan, SPEC, replay, [], self.folder).query(plan.asked or Asked("", ""))
        return replay.sent.total()

    async def events(self) -> list[dict[str, Any]]:
        """What stands on the topic, partition by partition."""
        topic = f"{self.corner.prefix}events.sales"
        places = [TopicPartition(topic, number) for number in range(2)]
        found = [await self.corner.kafka.read(place, offset) for place in places for offset in range(await self.corner.end(*place))]
        return [json.loads(record.value or b"") for record in found if record is not None]

    async def numbers(self) -> list[int]:
        return sorted([event["no"] for event in await self.events()])


@pytest.fixture
async def shop(corner: Corner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """An empty shop in a corner of its own."""
    monkeypatch.setenv("PENSTOCK_TOPIC_PREFIX", corner.prefix)
    await corner.topic("events.sales", 2)
    await corner.pool.execute(TABLE)
    return Shop(corner, tmp_path)


async def test_a_run_goes_on_behind_what_was_sent_and_rows_of_equal_value_come_once_each(shop: Shop) -> None:
    await shop.sell(1, 40, 1.0)
    assert await shop.produce() == 40
    assert await shop.produce() == 0
    await shop.sell(41, 50, 1.000)
    await shop.sell(51, 60, 2)
    await shop.sell(99, 99, 0.5)
    assert await shop.produce() == 20, "those of an equal value are new; what is less comes too late"
    assert await shop.numbers() == list(range(1, 61))
    event = next(event for event in await shop.events() if event["no"] == 6)
    assert event == {"no": 6, "shop": "s6", "at": 1_795_262_406_500, "paid": 1.5, "card": True, "note": "text"}


async def test_what_a_killed_run_has_sent_is_not_sent_again_though_rows_were_committed_among_them(shop: Shop) -> None:
    for value in range(5):
        await shop.sell(1 + 20 * value, 20 + 20 * value, value)
    assert await shop.produce(interrupted_at=33) == 33
    kept = next((shop.folder / "produce").glob("query-*.json"))
    as_killed = json.loads(kept.read_text())
    assert (as_killed["value"], as_killed["ended"]) == ("1", False)
    await shop.produce(interrupted_at=20)
    kept.write_text(json.dumps(as_killed))  # as if it had been killed before it wrote that
    await shop.sell(101, 110, 1)
    assert await shop.produce() == 100 + 10 - 33 - 20
    assert await shop.numbers() == list(range(1, 111))
    assert await shop.produce() == 0


async def test_to_begin_anew_sends_all_again(shop: Shop) -> None:
    await shop.sell(1, 5, 1)
    assert (await shop.produce(), await shop.produce(anew=True)) == (5, 5)
    other = f"select no, shop, at from {shop.corner.schema}.sales"
    with pytest.raises(UsageError, match="was filled by"):
        await shop.produce(by="no", rows=other)
    assert await shop.produce(by="no", rows=other, anew=True) == 5


@pytest.mark.parametrize(
    ("rows", "by", "said"),
    [
        ("select * from nowhere", "no", 'relation "nowhere" does not exist'),
        ("select 1; drop table sales", "no", "PostgreSQL refuses"),
        ("delete from {0}.sales returning *", "no", "PostgreSQL refuses"),
        ("select no, shop, at from {0}.sales where no = $1", "no", "$1"),
        ("select no, shop from {0}.sales", "no", "sales needs at"),
        ("select * from {0}.sales", "at_", "no such column"),
        ("select *, point(1, 2) as x from {0}.sales", "no", "x (point). Try: x::text"),
        ("select no / 0 as no, shop, at from {0}.sales", "at", "division by zero"),
        ("select no, shop, at, 'infinity'::timestamp as grown from {0}.sales", "grown", "grown is infinity in a row"),
    ],
)
async def test_a_query_that_cannot_be_sent_is_told_and_holds_no_place(shop: Shop, rows: str, by: str, said: str) -> None:
    await shop.sell(1, 3, 1)
    with pytest.raises(PenstockError) as raised:
        await shop.produce(rows=rows.format(shop.corner.schema), by=by)
    assert said in str(raised.value)
    assert await shop.produce() == 3


@pytest.mark.parametrize("column", ["shop", "at", "md5(no::text)::uuid"])
async def test_columns_of_many_types_give_an_order(shop: Shop, column: str) -> None:
    await shop.sell(1, 30, 1)
    rows = f"create view {shop.corner.schema}.kept as select no, shop, at, {column} as place from {shop.corner.schema}.sales"
    await shop.corner.pool.execute(rows)
    query = f"select * from {shop.corner.schema}.kept"
    assert [await shop.produce(by="place", rows=query, interrupted_at=count) for count in (7, 11)] == [7, 11]
    assert await shop.produce(by="place", rows=query) == 12
    assert await shop.produce(by="place", rows=query) == 0
    assert await shop.numbers() == list(range(1, 31))


async def test_a_query_is_read_in_batches_and_again_when_it_follows(shop: Shop) -> None:
    await shop.sell(1, 3 * BATCH_ROWS, 1)
    schema = shop.corner.schema
    place = Place.of(shop.folder, {"stream": "sales"})
    async with connected(shop.corner.dsn) as connection:
        query = Query(connection, f"select no, shop, at from {schema}.sales", "no", SPEC.streams["sales"], place, follow_s=0.01)
        messages = query.messages()
        await anext(messages)
        cursors = await connection.fetch("select statement from pg_cursors where statement like '%ORDER BY%'")
        assert len(cursors) == 2, "one of the server's, and this look at it: the rest is not here yet"
        for _ in range(3 * BATCH_ROWS - 1):
            await anext(messages)
        await shop.sell(3 * BATCH_ROWS + 1, 3 * BATCH_ROWS + 1, 2)
        assert json.loads((await anext(messages)).body)["no"] == 3 * BATCH_ROWS + 1
        await messages.aclose()  # type: ignore[attr-defined]  # a generator


async def test_a_wrong_password_is_told_and_not_shown(shop: Shop) -> None:
    address = shop.corner.dsn.rpartition("@")[2]
    with pytest.raises(PenstockError) as raised:
        async with connected(f"postgresql://nobody-known:hunter2@{address}"):
            pass
    assert "the database refuses" in str(raised.value)
    assert "hunter2" not in str(raised.value)


class Half:
    """A source that is half read."""

    done, total = 50, 100

    async def messages(self) -> AsyncIterator[Message]:
        return
        yield


async def test_the_bar_tells_what_was_sent_learned_and_refused(shop: Shop) -> None:
    letters = await shop.corner.topic("dlq.events.sales", kind="dlq")
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=160)
    sent, followed = Counter(sales=1_200), [Followed("late", "sales", learned=900)]
    async with shown(
        "sales.csv", Half(), sent, bootstrap=shop.corner.bootstrap, dead_letters=[letters], followed=followed, console=console
    ):
        await until(lambda: "1,200 sent" in screen.getvalue())
        async with AIOKafkaProducer(bootstrap_servers=shop.corner.bootstrap) as producer:
            await producer.send_and_wait(letters, b"one more")
        await until(lambda: "late has learned 900, 1 refused" in screen.getvalue())
