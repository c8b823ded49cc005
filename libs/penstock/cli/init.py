"""`penstock init`: a first specification for a CSV or Parquet file."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from penstock.errors import UsageError
from penstock.tasks import TASKS

ROWS_MAX = 100_000


def init(  # noqa: PLR0913, PLR0917  # an option each
    file: Annotated[Path, typer.Argument(help="A CSV file with a header line (.gz too), or a Parquet file.")],
    label: Annotated[str | None, typer.Option(help="The column to predict; anomalies need none.")] = None,
    task: Annotated[str | None, typer.Option(help=f"One of {', '.join(TASKS)}; what the label's column looks like, if left out.")] = None,
    key: Annotated[str | None, typer.Option(help="The column that names the entity.")] = None,
    id: Annotated[str | None, typer.Option(help="The column that names the event.")] = None,
    time: Annotated[str | None, typer.Option(help="The column with the event time.")] = None,
    delay: Annotated[str, typer.Option(help="How much later than its event a label is known: 2h, 3d.")] = "0s",
    positive: Annotated[str | None, typer.Option(help='Which labels are positive: "y > 15".')] = None,
    name: Annotated[str | None, typer.Option(help="The name of the stream; the file's name if left out.")] = None,
) -> None:
    """Write a commented specification for a file to standard output."""
    typer.echo(specification(file, label=label, task=task, key=key, id=id, time=time, delay=delay, positive=positive, name=name), nl=False)


def specification(  # noqa: PLR0913  # an option each
    file: Path,
    *,
    label: str | None = None,
    task: str | None = None,
    key: str | None = None,
    id: str | None = None,
    time: str | None = None,
    delay: str = "0s",
    positive: str | None = None,
    name: str | None = None,
) -> str:
    """The YAML text for a CSV or Parquet file, from its first 100,000 rows; it loads without problems.

    Raises: SpecError or UsageError, with the way out.
    """
    # Imported here: every other command starts without the readers of a specification.
    from penstock.sources.cells import text_of  # noqa: PLC0415
    from penstock.sources.files import table_of  # noqa: PLC0415
    from penstock.spec import load  # noqa: PLC0415
    from penstock.spec.duration import parse_duration  # noqa: PLC0415
    from penstock.spec.guess import Wishes, guess  # noqa: PLC0415
    from penstock.spec.template import stream_name, write_spec  # noqa: PLC0415

    delay_ms = parse_duration(delay)
    if delay_ms is None:
        raise UsageError(f"--delay {delay} is not a duration. Try: --delay 2h (units: d, h, m, s, ms)")
    if not file.is_file():
        raise UsageError(f"{file} is not a file. Try: ls {file.parent}")
    table = table_of(file)
    if table.left_out:
        typer.echo(f"penstock: no field can hold {', '.join(table.left_out)}: left out", err=True)
    rows = [{name: text_of(cell) or "" for name, cell in row.items()} for row in islice(table.rows(), ROWS_MAX)]
    found = guess(rows, Wishes(label, key, id, time, positive, delay_ms, task))
    stream = stream_name(name or file.name.partition(".")[0])
    text = write_spec(found, name=stream, path=str(file), rows=len(rows), delay_ms=delay_ms)
    load(text)
    return text
