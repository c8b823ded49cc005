"""`penstock dlq`: what was refused and why, and how it is sent again."""

import typer

from penstock.cli.dlq.look import ls, show
from penstock.cli.dlq.purge import purge
from penstock.cli.dlq.replay import replay

app = typer.Typer(help="Dead letters: what was refused and why, and how it is sent again.", no_args_is_help=True)
for _verb in (ls, show, replay, purge):
    app.command()(_verb)
