"""Compressed bodies, unpacked no further than allowed: a bomb costs no more memory than an honest request."""

import zlib
from collections.abc import Callable, Mapping

import zstandard

from penstock_ingestion.refused import Refused

GZIP_WINDOW = 31  # 2^15 bytes, with gzip's header and checksum
ZSTD_WINDOW_BYTES_MAX = 8 * 1024 * 1024  # what RFC 8878 asks every decoder to take


def inflate(data: bytes, encoding: str, limit_bytes: int) -> bytes:
    """A body without its content encodings. Raises: Refused: 415 for an unknown one, 413 above the limit, 400 for what is damaged."""
    for name in reversed([name.strip().lower() for name in encoding.split(",") if name.strip()]):
        if name not in ENCODINGS:
            raise Refused(415, f"content-encoding must be one of {', '.join(sorted({*ENCODINGS} - {'x-gzip'}))}")
        data = ENCODINGS[name](data, limit_bytes)
    return data


def _gunzip(data: bytes, limit_bytes: int) -> bytes:
    unpacked = bytearray()
    while data:  # a file may have several members (RFC 1952, section 2.2)
        member = zlib.decompressobj(GZIP_WINDOW)
        try:
            unpacked += member.decompress(data, limit_bytes - len(unpacked) + 1)
        except zlib.error:
            raise _damaged("gzip") from None
        if len(unpacked) > limit_bytes:
            raise _too_large(limit_bytes)
        if not member.eof:
            raise _damaged("gzip")
        data = member.unused_data
    return bytes(unpacked)


def _unzstd(data: bytes, limit_bytes: int) -> bytes:
    """Unpacked twice: a reader knows no end of a frame, and what knows it has no limit."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES_MAX)
    try:
        with decompressor.stream_reader(data) as reader:
            if len(reader.read(limit_bytes + 1)) > limit_bytes:
                raise _too_large(limit_bytes)
        frame = decompressor.decompressobj()
        unpacked = frame.decompress(data)
    except zstandard.ZstdError:
        raise _damaged("zstd") from None
    if not frame.eof or frame.unused_data:
        raise _damaged("zstd")
    return unpacked


def _same(data: bytes, _: int) -> bytes:
    return data


ENCODINGS: Mapping[str, Callable[[bytes, int], bytes]] = {"identity": _same, "gzip": _gunzip, "x-gzip": _gunzip, "zstd": _unzstd}


def _damaged(encoding: str) -> Refused:
    return Refused(400, f"the body is not one whole {encoding} stream")


def _too_large(limit_bytes: int) -> Refused:
    return Refused(413, f"the limit is {limit_bytes} bytes a request, unpacked")
