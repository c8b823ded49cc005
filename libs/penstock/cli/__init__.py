"""The command line: one file a verb; what a verb needs is imported when it runs, so that --help answers at once."""

import sys
from collections.abc import Callable

import typer

from penstock.cli.apply import apply
from penstock.cli.backtest import backtest
from penstock.cli.diff import diff
from penstock.cli.dlq import app as dlq
from penstock.cli.impact import impact
from penstock.cli.init import init
from penstock.cli.produce import produce
from penstock.cli.promote import promote
from penstock.cli.quarantine import quarantine, release
from penstock.cli.rebuild import rebuild
from penstock.cli.rewind import rewind
from penstock.cli.show import ls, show
from penstock.cli.stack import doctor, down, logs, status, up
from penstock.cli.tail import tail
from penstock.cli.verify import verify
from penstock.errors import PenstockError

app = typer.Typer(
    name="penstock",
    help="Models that learn from every event, and can prove what they learned.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_PANELS: dict[str, tuple[Callable[..., None], ...]] = {
    "The local stack": (up, down, status, logs, doctor),
    "Streams and models": (init, apply, produce, tail, quarantine, release, promote, rewind, rebuild),
    "What is known and proved": (ls, show, verify, diff, impact, backtest),
}
for _panel, _verbs in _PANELS.items():
    for _verb in _verbs:
        app.command(rich_help_panel=_panel)(_verb)
app.add_typer(dlq, name="dlq", rich_help_panel="Streams and models")


def main() -> None:
    """The console script; exit codes: 1 failed, 2 usage, 3 proof unequal or invariant broken, 130 interrupted."""
    try:
        app()
    except PenstockError as error:
        sys.stderr.write(f"penstock: {error}\n")
        sys.exit(error.exit_code)
