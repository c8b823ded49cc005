"""Lines come one by one, whatever pieces they arrive in, and who waits for one holds up nobody."""

import asyncio
import os
import re
from pathlib import Path

import pytest

from penstock.errors import PenstockError
from penstock.sources.lines import CHUNK_BYTES, read_lines


async def test_a_line_of_a_pipe_goes_on_at_once_and_who_waits_for_the_next_holds_up_nobody() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)  # whoever reads what is not there yet is told so

    async def write(data: bytes) -> None:
        os.write(writing, data)

    with os.fdopen(reading):
        lines = read_lines(reading, 100)
        async with asyncio.timeout(30):
            first, _ = await asyncio.gather(anext(lines), write(b"one\ntw"))
            second, *_ = await asyncio.gather(anext(lines), write(b"o"), write(b"\n\nthree"))
            os.close(writing)
            assert [first, second, *[line async for line in lines]] == [b"one\n", b"two\n", b"\n", b"three"]


@pytest.mark.parametrize("text", [b"", b"\n", b"a", b"a\n", b"a\r\n\nb", b"x" * (3 * CHUNK_BYTES) + b"\n" + b"y\n" * CHUNK_BYTES])
async def test_of_a_file_every_byte_comes_and_lines_end_where_they_end(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "lines").write_bytes(text)
    with (tmp_path / "lines").open("rb") as file:
        found = [line async for line in read_lines(file.fileno(), 4 * CHUNK_BYTES)]
    assert found == [line for line in re.split(rb"(?<=\n)", text) if line]


@pytest.mark.parametrize("end", [b"", b"\n"])
async def test_a_line_may_have_so_many_bytes_and_no_more(tmp_path: Path, end: bytes) -> None:
    (tmp_path / "lines").write_bytes(b"a\n" + b"x" * 10 + b"\n" + b"y" * 11 + end)
    with (tmp_path / "lines").open("rb") as file:
        lines = read_lines(file.fileno(), 10)
        assert [await anext(lines), await anext(lines)] == [b"a\n", b"x" * 10 + b"\n"]
        with pytest.raises(PenstockError, match="line 3 has more than 10 bytes"):
            await anext(lines)
