"""`penstock produce`: events from a file, standard input or a PostgreSQL query; a file's label column goes to its own stream."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.platform import DEFAULT_FOLDER, FolderOption, run
from penstock.errors import UsageError

if TYPE_CHECKING:
    from penstock.cli.sending import Asked, Plan

FILE_HELP = "A .csv (also .gz), .parquet or .jsonl file; - reads JSON lines from standard input."
DELAY_HELP = "How long after its event a label becomes known, such as 2h (needs a stream with a time)."
RATE_HELP = "Events per second; 0: as fast as Kafka takes them. Otherwise as fast as the models learn."
SPEED_HELP = "So many times as fast as event time went, such as 60x (streams with a time)."
CLOSE_HELP = "End with ticks far enough to end every prediction (streams with a time)."
QUERY_HELP = "Instead of a file: a SELECT of PostgreSQL, without parameters. The next run goes on behind what this one has sent."
BY_HELP = "The column of the query that grows, such as a serial number: rows are sent in its order."
DSN_HELP = "Where the query runs: postgresql://…; without it libpq's variables say so (PGHOST, PGUSER, PGPASSWORD, PGDATABASE)."


def produce(  # noqa: PLR0913, PLR0917  # an option each
    stream: Annotated[str, typer.Argument(help="The stream.")],
    file: Annotated[Path | None, typer.Argument(help=FILE_HELP)] = None,
    delay: Annotated[str, typer.Option(help=DELAY_HELP)] = "0s",
    rate: Annotated[float | None, typer.Option(min=0, help=RATE_HELP)] = None,
    speed: Annotated[str, typer.Option(help=SPEED_HELP)] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an earlier run with this file was interrupted.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="End after so many rows; 0: all.")] = 0,
    close: Annotated[bool, typer.Option(help=CLOSE_HELP)] = False,
    query: Annotated[str, typer.Option(help=QUERY_HELP)] = "",
    by: Annotated[str, typer.Option(help=BY_HELP)] = "",
    dsn: Annotated[str, typer.Option(envvar="PENSTOCK_SOURCE_DSN", help=DSN_HELP)] = "",
    anew: Annotated[bool, typer.Option("--anew", help="Forget how far the query came, and begin at its first row.")] = False,
    follow: Annotated[str, typer.Option(help="Ask again whenever so much time has passed, such as 5s, until interrupted.")] = "",
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Send the rows of a file or a query to a stream, as fast as its models learn; a file's labels go to <stream>-labels.

    What is interrupted can go on with --resume (a query always does): what stands in Kafka already is not sent again.
    """
    from penstock.cli.sending import Asked, Plan, send  # noqa: PLC0415

    began = time.monotonic()
    factor = speed_of(speed, rate)
    asked = Asked(query, by, dsn, anew, duration_ms("--follow", follow or "0s") / 1_000) if query else None
    plan = Plan(stream, file, duration_ms("--delay", delay), 0.0 if factor else rate, factor, limit, close, resume, asked)
    check(plan, alone=[name for name, given in (("--by", by), ("--anew", anew), ("--follow", follow)) if given])
    sent = run(send(plan, folder))
    seconds = time.monotonic() - began
    counted = ", ".join(f"{count:,} to {name}" for name, count in sent.items()) or "nothing"
    typer.echo(f"sent {counted} in {seconds:.1f} s; every one is acknowledged")


def check(plan: "Plan", alone: list[str]) -> None:
    """Options that contradict each other are refused; `alone` are those of a query, where there is none. Raises: UsageError."""
    asked = plan.asked
    if (plan.file is None) == (asked is None):
        raise UsageError("produce sends a file, or the rows of a --query: one of them. Try: penstock produce STREAM FILE")
    if asked is None:
        if alone:
            raise UsageError(f"{', '.join(alone)}: these go with a --query. Try: without")
        if plan.resume and str(plan.file) == "-":
            raise UsageError("--resume: standard input cannot be read again. Try: a file")
        return
    _check_query(plan, asked)


def _check_query(plan: "Plan", asked: "Asked") -> None:
    if not asked.by:
        raise UsageError("--query needs the column that says which rows are new. Try: --by id")
    if plan.resume:
        raise UsageError("--resume: a query always goes on behind what was sent. Try: without; or --anew to begin at its first row")
    if plan.delay_ms:
        raise UsageError(f"--delay: a query fills one stream. Try: a query of the labels: penstock produce {plan.stream}-labels --query …")
    if plan.close and asked.follow_s:
        raise UsageError("--close comes at the end, and --follow has none. Try: one of them")


def duration_ms(option: str, text: str) -> int:
    """The duration of an option in ms. Raises: UsageError."""
    from penstock.spec.duration import parse_duration  # noqa: PLC0415

    found_ms = parse_duration(text)
    if found_ms is None:
        raise UsageError(f"{option} {text}: not a duration. Try: {option} 2h")
    return found_ms


def speed_of(speed: str, rate: float | None) -> float:
    """The factor of --speed, 0 for none. Raises: UsageError.

    >>> speed_of("60x", None), speed_of("0.5x", None), speed_of("", 7.0)
    (60.0, 0.5, 0.0)
    """
    if not speed:
        return 0.0
    if rate is not None:
        raise UsageError("--speed and --rate exclude each other: event time sets the pace, or the clock does")
    number = speed.removesuffix("x")
    if number == speed or not number.replace(".", "", 1).isdecimal() or float(number) <= 0:
        raise UsageError(f"--speed {speed}: not so many times as fast. Try: --speed 60x")
    return float(number)
