"""What a producer's program loads, and what it does not."""

import subprocess
import sys

import pytest

from penstock.errors import UsageError
from penstock.producer import Producer, SyncProducer

HEAVY = ("river", "numpy", "typer", "rich", "click", "httpx", "grpc", "structlog", "starlette", "faust", "msgspec", "asyncpg", "pydantic")


def test_a_producer_loads_no_more_than_it_needs() -> None:
    program = f"import sys, penstock.producer; print([name for name in {HEAVY} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_options_that_mean_nothing_are_refused() -> None:
    with pytest.raises(UsageError, match="avro, or json"):
        Producer("nowhere:1", format="xml")  # type: ignore[arg-type]
    for options in ({"source": ""}, {"source": "x" * 2_000}, {"timeout_s": 0}, {"buffer_bytes": 0}, {"linger_s": -1}):
        with pytest.raises(UsageError):
            Producer("nowhere:1", **options)
    with pytest.raises(UsageError), SyncProducer("nowhere:1", timeout_s=-1):
        pass
