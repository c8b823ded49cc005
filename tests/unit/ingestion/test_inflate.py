"""Compressed bodies: the same bytes come out, and never more than is allowed."""

import gzip
import tracemalloc
import zlib

import pytest
import zstandard
from hypothesis import given, strategies as st

from penstock_ingestion.inflate import inflate
from penstock_ingestion.refused import Refused

LIMIT_BYTES = 100_000
PACK = {"gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}
BOMB_BYTES = 200_000_000


def bomb(encoding: str) -> bytes:
    """Very much of nothing, made in pieces."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31) if encoding == "gzip" else zstandard.ZstdCompressor().compressobj()
    piece = bytes(1_000_000)
    return b"".join([*(packer.compress(piece) for _ in range(BOMB_BYTES // len(piece))), packer.flush()])


@given(st.sampled_from(sorted(PACK)), st.binary(max_size=2_000))
def test_what_was_packed_comes_out(encoding: str, data: bytes) -> None:
    assert inflate(PACK[encoding](data), encoding.upper(), LIMIT_BYTES) == data
    assert inflate(gzip.compress(PACK[encoding](data)), f"{encoding}, x-gzip", LIMIT_BYTES) == data
    assert inflate(data, "", LIMIT_BYTES) == inflate(data, "identity", LIMIT_BYTES) == data


@pytest.mark.parametrize("encoding", sorted(PACK))
def test_the_limit_is_that_of_what_comes_out(encoding: str) -> None:
    assert len(inflate(PACK[encoding](bytes(LIMIT_BYTES)), encoding, LIMIT_BYTES)) == LIMIT_BYTES
    with pytest.raises(Refused) as refused:
        inflate(PACK[encoding](bytes(LIMIT_BYTES + 1)), encoding, LIMIT_BYTES)
    assert refused.value.status == 413


@pytest.mark.parametrize("encoding", sorted(PACK))
def test_a_bomb_is_refused_and_costs_no_memory(encoding: str) -> None:
    packed = bomb(encoding)
    tracemalloc.start()
    try:
        with pytest.raises(Refused, match="the limit is"):
            inflate(packed, encoding, LIMIT_BYTES)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


@given(st.sampled_from(sorted(PACK)), st.binary(min_size=1, max_size=200), st.data())
def test_half_a_stream_is_refused(encoding: str, data: bytes, draw: st.DataObject) -> None:
    packed = PACK[encoding](data)
    cut = draw.draw(st.integers(1, len(packed) - 1))
    with pytest.raises(Refused) as refused:
        inflate(packed[:cut], encoding, LIMIT_BYTES)
    assert refused.value.status == 400


@pytest.mark.parametrize("encoding", sorted(PACK))
def test_what_follows_a_stream_is_refused(encoding: str) -> None:
    with pytest.raises(Refused) as refused:
        inflate(PACK[encoding](b"a") + b"?", encoding, LIMIT_BYTES)
    assert refused.value.status == 400


def test_members_of_gzip_follow_each_other_and_an_unknown_encoding_is_named() -> None:
    assert inflate(gzip.compress(b"a") + gzip.compress(b"b"), "gzip", LIMIT_BYTES) == b"ab"
    with pytest.raises(Refused, match="gzip, identity, zstd") as refused:
        inflate(b"a", "br", LIMIT_BYTES)
    assert refused.value.status == 415
