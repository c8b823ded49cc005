"""CSV files with a header line, whatever their delimiter; `.gz` is unpacked on the way."""

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TextIO

from penstock.spec.errors import SpecError
from penstock.spec.rows import Fit
from penstock.spec.values import field_name, parse_value

SAMPLE_CHARACTERS = 64_000


@dataclass(slots=True)
class CsvTable:
    """The rows of a CSV file; `done` and `total` are bytes of the file as it lies there."""

    path: Path
    fit: Fit = parse_value
    left_out: tuple[str, ...] = ()
    _file: BinaryIO | None = field(default=None, init=False)

    @property
    def done(self) -> int:
        if self._file is None:
            return 0
        return self.total if self._file.closed else self._file.tell()

    @property
    def total(self) -> int:
        return self.path.stat().st_size

    def rows(self) -> Iterator[dict[str, str]]:
        """The rows, by the names in the header line. Raises: SpecError if it is not such a file; OSError."""
        try:
            self._file = self.path.open("rb")
            with self._file, _text(self._file, packed=self.path.suffix == ".gz") as text:
                sample = text.read(SAMPLE_CHARACTERS)
                text.seek(0)
                reader = csv.DictReader(text, delimiter=_delimiter(sample), strict=True)
                check_header(list(reader.fieldnames or ()), self.path)
                yield from reader
        except (UnicodeDecodeError, csv.Error, EOFError, gzip.BadGzipFile) as error:
            raise SpecError(f"{self.path} cannot be read as CSV: {error}. Try: a UTF-8 file with a header line") from error


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a CSV file. Raises: see CsvTable."""
    return CsvTable(path).rows()


def check_header(headers: Sequence[str], path: Path) -> None:
    """Columns make fields, so they need different names. Raises: SpecError."""
    names = [field_name(header) for header in headers]
    twice = sorted({name for name in names if names.count(name) > 1})
    if not names or twice:
        reason = f"these columns have the same name: {', '.join(twice)}" if twice else "it is empty"
        raise SpecError(f"{path}: {reason}. Try: a header line with different names (letters, digits, underscores)")


def _text(file: BinaryIO, *, packed: bool) -> TextIO:
    if packed:
        return gzip.open(file, "rt", encoding="utf-8-sig", newline="")
    return io.TextIOWrapper(file, encoding="utf-8-sig", newline="")


def _delimiter(sample: str) -> str:
    """The sign that the header has most of; csv.Sniffer is led astray by texts."""
    header = sample.partition("\n")[0]
    return max(",;\t|", key=header.count)
