"""Parquet files, read in small batches, and only the columns that are wanted; it needs the extra `parquet`."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import repeat
from pathlib import Path
from typing import Any

from penstock.contract.timestamps import EPOCH
from penstock.errors import PenstockError
from penstock.sources.cells import Cell, fit_value
from penstock.sources.csv_file import check_header
from penstock.spec.errors import SpecError
from penstock.spec.rows import Fit
from penstock.spec.values import field_name

BATCH_ROWS = 1_000
BUFFER_BYTES = 65_536  # of each column; without it pyarrow takes whole row groups, and a row group may be the file
MICROSECONDS = {"s": (1_000_000, 1), "ms": (1_000, 1), "us": (1, 1), "ns": (1, 1_000)}  # times, divided by


@dataclass(slots=True)
class ParquetTable:
    """The rows of a Parquet file: of its columns for these fields, or of every column that fits a field of some type (None).

    `done` and `total` are rows. `left_out` names the columns that no field can hold. Raises: PenstockError without pyarrow; SpecError for
    a file that is none, or a wanted column that no field can hold; OSError.
    """

    path: Path
    fields: Iterable[str] | None = None
    fit: Fit = fit_value
    batch_rows: int = BATCH_ROWS
    done: int = field(default=0, init=False)
    total: int = field(default=0, init=False)
    left_out: tuple[str, ...] = field(default=(), init=False)
    _columns: tuple[str, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        with _opened(self.path) as file:
            schema, self.total = file.schema_arrow, file.metadata.num_rows
        check_header(schema.names, self.path)
        wanted = None if self.fields is None else set(self.fields)
        columns = [column for column in schema if wanted is None or field_name(column.name) in wanted]
        self._columns = tuple(column.name for column in columns if _is_plain(column.type))
        self.left_out = tuple(f"{column.name} ({column.type})" for column in columns if not _is_plain(column.type))
        if self.left_out and wanted is not None:
            raise SpecError(f"{self.path}: no field can hold {', '.join(self.left_out)}. Try: the file with plain columns in their place")

    def rows(self) -> Iterator[Mapping[str, Cell]]:
        """The rows, by the names of their columns. Raises: SpecError when the file is damaged; OSError."""
        with _opened(self.path) as file:
            for batch in file.iter_batches(batch_size=self.batch_rows, columns=self._columns):
                cells = [_cells(column) for column in batch.columns]
                for row in zip(*cells, strict=True) if cells else repeat((), batch.num_rows):
                    self.done += 1
                    yield dict(zip(batch.schema.names, row, strict=True))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        import pyarrow as arrow  # noqa: PLC0415  # 170 MB that only these files need
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        raise PenstockError(f"{path}: Parquet files need pyarrow. Try: pip install 'penstock[parquet]'") from error
    try:
        with parquet.ParquetFile(path, buffer_size=BUFFER_BYTES, pre_buffer=False, page_checksum_verification=True) as file:
            yield file
    except (arrow.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        reason = str(error).partition("\n")[0]
        raise SpecError(f"{path} cannot be read as Parquet: {reason}. Try: the file that its writer has finished") from error


def _is_plain(type: Any) -> bool:
    """Whether cells of this type are texts, numbers, truth values or times."""
    from pyarrow import types  # noqa: PLC0415

    if types.is_dictionary(type):
        return _is_plain(type.value_type)
    tests = (
        types.is_boolean,
        types.is_integer,
        types.is_floating,
        types.is_decimal,
        types.is_string,
        types.is_large_string,
        types.is_date,
        types.is_timestamp,
        types.is_null,
    )
    return any(test(type) for test in tests)


def _cells(column: Any) -> Sequence[Cell]:
    """The cells of one column of a batch."""
    import pyarrow as arrow  # noqa: PLC0415

    if arrow.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not arrow.types.is_timestamp(column.type):
        return [float(cell) if arrow.types.is_float16(column.type) and cell is not None else cell for cell in column.to_pylist()]
    times, over = MICROSECONDS[column.type.unit]
    return [None if count is None else _moment(count * times // over) for count in column.cast(arrow.int64()).to_pylist()]


def _moment(microseconds: int) -> Cell:
    """A time; beyond the years that have a name a number in ms, for the contract to refuse."""
    try:
        return EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return microseconds // 1_000
