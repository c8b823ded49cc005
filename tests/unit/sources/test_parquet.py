"""Parquet files: every type arrives as it is, what no field can hold is refused by name, and memory stays bounded."""

import json
import random
import sys
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pytest
from pyarrow import parquet

from penstock.cli.init import specification
from penstock.errors import PenstockError
from penstock.sources.files import reader_of, table_of
from penstock.sources.parquet import ParquetTable
from penstock.spec import SpecError, load
from penstock.spec.values import Value
from tests.unit.spec.test_init import fits

FIELDS = "{key: string, t: string, d: {type: double, nullable: true}, n: {type: long, nullable: true}, b: boolean, at: timestamp}"
SPEC = load(f"streams: {{halls: {{key: key, time: at, fields: {FIELDS}}}}}")
SECOND_MS = 1_700_000_000_000
ROWS, MEMORY_BYTES_MAX = 200_000, 1_000_000


def written(folder: Path, columns: Mapping[str, Any], **options: Any) -> Path:
    path = folder / "halls.parquet"
    parquet.write_table(arrow.table(dict(columns)), path, **options)
    return path


async def events(path: Path) -> list[dict[str, Value]]:
    return [json.loads(message.body) async for message in reader_of(path, SPEC, "halls").messages()]


def times(unit: str, zone: str | None, per_s: int) -> Any:
    return arrow.array([1_700_000_000 * per_s + per_s * 999 // 1_000, None], arrow.timestamp(unit, zone))


@pytest.mark.parametrize("zone", [None, "UTC", "+05:30"])
@pytest.mark.parametrize(("unit", "per_s"), [("s", 1), ("ms", 1_000), ("us", 1_000_000), ("ns", 1_000_000_000)])
async def test_a_time_is_the_same_moment_in_every_unit_and_zone(tmp_path: Path, unit: str, per_s: int, zone: str | None) -> None:
    found = await events(written(tmp_path, {"at": times(unit, zone, per_s)}))
    assert [event["at"] for event in found] == [SECOND_MS + (999 if per_s > 1 else 0), None]


@pytest.mark.parametrize(
    ("column", "field", "expected"),
    [
        (arrow.array([2**63 - 1, None], arrow.int64()), "n", [2**63 - 1, None]),
        (arrow.array([2**64 - 1], arrow.uint64()), "n", [2**64 - 1]),
        (arrow.array([1_234_567_890_123_456_789], arrow.int64()), "t", ["1234567890123456789"]),
        (arrow.array([0.1, float("nan"), float("inf")], arrow.float64()), "d", [0.1, None, "inf"]),
        (arrow.array([0.5, None], arrow.float16()), "d", [0.5, None]),
        (arrow.array([Decimal("12.50"), None], arrow.decimal128(20, 2)), "d", [12.5, None]),
        (arrow.array([Decimal("12.50"), Decimal("12.00")], arrow.decimal128(20, 2)), "n", [12.5, 12]),
        (arrow.array([Decimal("12345678901234567890.10")], arrow.decimal256(40, 2)), "t", ["12345678901234567890.10"]),
        (arrow.array(["", " a ", "NA", None], arrow.string()), "t", ["", " a ", "NA", None]),
        (arrow.array(["7", "x"], arrow.large_string()), "n", [7, "x"]),
        (arrow.array(["a", "b", "a", None]).dictionary_encode(), "t", ["a", "b", "a", None]),
        (arrow.array([True, False, None]), "b", [True, False, None]),
        (arrow.array([True]), "n", [True]),
        (arrow.array([date(2023, 11, 14)]), "at", [1_699_920_000_000]),
        (arrow.array([date(2023, 11, 14)]), "t", ["2023-11-14"]),
        (arrow.array([1_700_000_000, 1_700_000_000_000]), "at", [SECOND_MS, SECOND_MS]),
        (arrow.array([2**62], arrow.timestamp("ms")), "at", [2**62]),
        (arrow.array([None, None], arrow.null()), "n", [None, None]),
    ],
)
async def test_a_cell_arrives_as_it_is_in_its_file(tmp_path: Path, column: Any, field: str, expected: list[Value]) -> None:
    assert [event[field] for event in await events(written(tmp_path, {field: column}))] == expected


async def test_what_no_field_can_hold_is_refused_by_name_where_a_field_asks_for_it_and_not_read_elsewhere(tmp_path: Path) -> None:
    nested = {"n": arrow.array([[1], [2]]), "more": arrow.array([{"a": 1}, {"a": 2}]), "t": arrow.array([b"x", b"y"], arrow.binary())}
    with pytest.raises(SpecError, match=r"no field can hold n \(list<.*t \(binary\)"):
        reader_of(written(tmp_path, nested), SPEC, "halls")
    found = await events(written(tmp_path, {"more": nested["more"], "key": arrow.array(["k", "l"])}))
    assert [event["key"] for event in found] == ["k", "l"]


@pytest.mark.parametrize("spoil", [lambda content: content[:-9], lambda content: b"", lambda content: b"at,key\n1,2\n"])
def test_a_file_that_is_no_parquet_is_told(tmp_path: Path, spoil: Any) -> None:
    path = written(tmp_path, {"n": [1]})
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(SpecError, match="cannot be read as Parquet"):
        table_of(path)


def test_damage_inside_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, {"t": ["a" * 50, "b" * 50]}, write_page_checksum=True, compression="none", use_dictionary=False)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"b" * 50, b"c" * 50))
    with pytest.raises(SpecError, match="cannot be read as Parquet"):
        list(table_of(path).rows())


def test_without_pyarrow_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, {"n": [1]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(PenstockError, match=r"Try: pip install 'penstock\[parquet\]'"):
        table_of(path)


def test_a_file_of_one_row_group_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    numbers = random.Random(7)
    columns = {name: [numbers.random() for _ in range(ROWS)] for name in ("d", "n")}
    table = ParquetTable(written(tmp_path, columns, row_group_size=ROWS, compression="none", use_dictionary=False))
    assert table.total == ROWS
    before, most = arrow.total_allocated_bytes(), 0
    for row in table.rows():
        if table.done % 500 == 1:
            most = max(most, arrow.total_allocated_bytes() - before)
        assert row["d"] == columns["d"][table.done - 1]
    assert table.done == ROWS
    assert most < MEMORY_BYTES_MAX, "the file has 3.2 MB"


async def test_rows_are_read_as_they_are_taken_up_to_the_limit(tmp_path: Path) -> None:
    reader = reader_of(written(tmp_path, {"key": [str(number) for number in range(5_000)]}), SPEC, "halls", limit=1_500)
    assert (reader.done, reader.total) == (0, 1_500)
    seen = [json.loads(message.body)["key"] async for message in reader.messages()]
    assert seen == [str(number) for number in range(1_500)]
    assert reader.done == 1_500


def test_a_first_specification_fits_every_row_and_names_what_it_leaves_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = range(400)
    path = written(
        tmp_path,
        {
            "id": [1_700_000_000_000_000_000 + number for number in rows],
            "hall": [("north", "south")[number % 2] for number in rows],
            "heat": [number / 7 for number in rows],
            "price": arrow.array([Decimal(number) / 4 for number in rows], arrow.decimal128(9, 2)),
            "seen_at": arrow.array([SECOND_MS + 60_000 * number for number in rows], arrow.timestamp("ms", "UTC")),
            "tags": [[number] for number in rows],
            "broken": [number % 3 == 0 for number in rows],
        },
    )
    spec = load(specification(path, label="broken"))
    stream = spec.streams["halls"]
    assert (stream.id, stream.time, stream.types["heat"], stream.types["price"]) == ("id", "seen_at", "double", "double")
    assert "tags (list<" in capsys.readouterr().err
    reader = reader_of(path, spec, "halls")
    assert reader.total == 400
    from penstock.sources.reading import Rows  # noqa: PLC0415
    from penstock.spec.rows import plan_rows  # noqa: PLC0415

    assert isinstance(reader, Rows)
    planned = list(plan_rows(reader.table.rows(), spec, "halls", fit=reader.table.fit))
    assert len(planned) == 800
    assert all(fits(each, spec.streams[each.stream].fields) for each in planned)
