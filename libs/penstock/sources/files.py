"""Which reader a file has: by its ending."""

from collections.abc import Iterable
from pathlib import Path

from penstock.sources.csv_file import CsvTable
from penstock.sources.json_lines import JsonLines
from penstock.sources.parquet import ParquetTable
from penstock.sources.reading import Reader, Rows, Table
from penstock.spec import Spec
from penstock.spec.rows import LABELS

STANDARD_INPUT = "-"
JSON_LINES = (".jsonl", ".ndjson")
PARQUET = (".parquet", ".pq")


def reader_of(path: Path, spec: Spec, stream: str, *, delay_ms: int = 0, limit: int = 0) -> Reader:
    """The reader of a file on its way to a stream: `limit` rows of it (0: all). Raises: PenstockError, OSError."""
    if str(path) == STANDARD_INPUT:
        return JsonLines(None, spec.streams[stream], limit)
    if path.suffix in JSON_LINES:
        return JsonLines(path, spec.streams[stream], limit)
    taken = {name for each in (stream, stream + LABELS) if each in spec.streams for name in spec.streams[each].fields}
    return Rows(table_of(path, taken), spec, stream, delay_ms, limit)


def table_of(path: Path, fields: Iterable[str] | None = None) -> Table:
    """The table in a CSV or Parquet file; where that saves reading only its columns for these fields. Raises: PenstockError, OSError."""
    return ParquetTable(path, fields) if path.suffix in PARQUET else CsvTable(path)
