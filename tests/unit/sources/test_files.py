"""Text files: how far they are read is known, and lines go on as they are."""

import gzip
from pathlib import Path

import pytest

from penstock.errors import PenstockError
from penstock.sources.files import reader_of
from penstock.sources.json_lines import LINE_BYTES_MAX
from penstock.spec import load

SPEC = load("streams: {halls: {key: id, time: at, fields: {id: string, at: timestamp}}}")
ROWS = 50_000


@pytest.mark.parametrize("packed", [False, True])
async def test_a_csv_is_read_as_its_rows_are_taken(tmp_path: Path, packed: bool) -> None:
    text = "id,at\n" + "".join(f"h{number},{number}\n" for number in range(ROWS))
    path = tmp_path / ("halls.csv.gz" if packed else "halls.csv")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    reader = reader_of(path, SPEC, "halls")
    assert (reader.done, reader.total) == (0, path.stat().st_size)
    places = [reader.done async for _ in reader.messages()]
    assert len(places) == ROWS
    assert places == sorted(places)
    assert 0 < places[0] < places[ROWS // 2] < path.stat().st_size
    assert reader.done == reader.total


async def test_lines_are_sent_as_they_are_and_counted_in_bytes(tmp_path: Path) -> None:
    path = tmp_path / "halls.jsonl"
    path.write_bytes(b'{"id": "a", "at": 5}\n\n \xff\n[1]\n' + b"[" * 100_000 + b'\n{"id": "b", "at": "1970-01-01T00:00:01Z"}')
    reader = reader_of(path, SPEC, "halls")
    found = [(message.key, message.body[:12], message.time_ms) async for message in reader.messages()]
    nested = b"[" * 12
    assert found == [("a", b'{"id": "a", ', 5), ("", b"\xff", None), ("", b"[1]", None), ("", nested, None), ("b", b'{"id": "b", ', 1_000)]
    assert reader.done == reader.total == path.stat().st_size


async def test_a_line_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "halls.ndjson"
    with path.open("wb") as file:
        file.truncate(LINE_BYTES_MAX + 2)
    with pytest.raises(PenstockError, match="line 1 has more than"):
        [message async for message in reader_of(path, SPEC, "halls").messages()]


async def test_a_limit_counts_rows(tmp_path: Path) -> None:
    path = tmp_path / "halls.jsonl"
    path.write_text('{"id": "a"}\n' * 9)
    reader = reader_of(path, SPEC, "halls", limit=4)
    assert len([message async for message in reader.messages()]) == reader.done == reader.total == 4
