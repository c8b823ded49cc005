import pytest

from penstock_registry.promotion import Decision, judge


def decide(
    mode: str = "automatic", state: str = "live", supposed_champion: int = 1, champion: int = 1, *, declared: bool = False
) -> Decision:
    return judge(mode=mode, version=3, state=state, supposed_champion=supposed_champion, champion=champion, declared=declared)


def test_a_live_version_that_was_compared_with_the_champion_is_taken() -> None:
    assert decide() == Decision(True)


def test_what_the_specification_declares_is_taken_when_promotion_is_manual() -> None:
    assert decide(mode="manual", declared=True) == Decision(True)


def test_where_nothing_serves_a_proposal_against_nothing_is_taken() -> None:
    assert decide(supposed_champion=0, champion=0).taken


@pytest.mark.parametrize(
    ("decision", "reason"),
    [
        (decide(mode="manual"), "promotion.mode: manual"),
        (decide(state="retired"), "version 3 is retired"),
        (decide(supposed_champion=1, champion=2), "compared with version 1, but version 2 is the champion now"),
        (decide(supposed_champion=0, champion=2), "compared with no champion, but version 2"),
        (decide(supposed_champion=3, champion=3), "version 3 is the champion already"),
    ],
)
def test_a_refused_proposal_says_why(decision: Decision, reason: str) -> None:
    assert not decision.taken
    assert reason in decision.reason
