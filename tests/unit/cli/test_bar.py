"""What a producer's bar says: on a terminal only."""

import re
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from penstock.cli.bar import described, shown
from penstock.cli.produce import check, duration_ms
from penstock.cli.sending import Asked, Plan
from penstock.errors import UsageError
from penstock.pace import Followed
from penstock.replay import Message


def test_it_says_what_was_sent_how_fast_what_was_learned_and_what_was_refused() -> None:
    assert (
        described(1_200, 99.6, [Followed("late", "arrivals", learned=1_100)], 7) == "1,200 sent, 100/s, late has learned 1,100, 7 refused"
    )
    assert described(0, 0.0) == "0 sent, 0/s"


class Half:
    """A source that is half read."""

    done, total = 50, 100

    async def messages(self) -> AsyncIterator[Message]:
        return
        yield


async def test_where_standard_error_is_no_terminal_there_is_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    async with shown("halls.csv", Half(), Counter(), bootstrap="127.0.0.1:1", dead_letters=[]):
        pass
    assert capsys.readouterr() == ("", "")


ASKED = Asked("select 1", "id")


@pytest.mark.parametrize(
    ("plan", "alone", "said"),
    [
        (Plan("halls", None), [], "one of them"),
        (Plan("halls", Path("a.csv"), asked=ASKED), [], "one of them"),
        (Plan("halls", Path("a.csv")), ["--by", "--anew"], "--by, --anew: these go with a --query"),
        (Plan("halls", Path("-"), resume=True), [], "standard input"),
        (Plan("halls", None, asked=Asked("select 1", "")), [], "Try: --by id"),
        (Plan("halls", None, asked=ASKED, resume=True), [], "a query always goes on"),
        (Plan("halls", None, asked=ASKED, delay_ms=1), [], "produce halls-labels --query"),
        (Plan("halls", None, asked=Asked("select 1", "id", follow_s=1), close=True), [], "--follow has none"),
    ],
)
def test_options_that_contradict_each_other_are_refused(plan: Plan, alone: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        check(plan, alone)


def test_a_password_is_not_part_of_what_a_plan_prints() -> None:
    assert "secret" not in repr(Plan("halls", None, asked=Asked("select 1", "id", "postgresql://u:secret@h/d")))


def test_a_duration_that_is_none_names_its_option() -> None:
    with pytest.raises(UsageError, match="--follow soon: not a duration"):
        duration_ms("--follow", "soon")
