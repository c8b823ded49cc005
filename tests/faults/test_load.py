"""The load of the fault campaign: the same for the same seed, at its rate, and bad where it is asked to be."""

import json

from tests.faults.load import OVERSIZE_BYTES, PAYMENTS, VERDICTS, Message, Schedule


def sent(schedule: Schedule, seconds: int) -> list[Message]:
    schedule.go_on(now_s=1_000.0)
    messages = schedule.due(now_s=1_000.0 + seconds)
    schedule.hold()
    return messages + schedule.due(now_s=2_000.0)


def test_a_seed_gives_the_same_load_at_its_rate_with_late_missing_and_repeated_events() -> None:
    messages = sent(Schedule(seed=7, rate_per_s=100.0), seconds=20)
    assert messages == sent(Schedule(seed=7, rate_per_s=100.0), seconds=20)
    payments, verdicts = ({each.event_id for each in messages if each.stream == stream} for stream in (PAYMENTS, VERDICTS))
    assert len(payments) == 2_001
    assert verdicts < payments, "of some nobody ever hears"
    assert len(messages) > len(payments) + len(verdicts), "some are sent twice"
    times = [each.due_s for each in messages]
    assert times == sorted(times)
    assert all(json.loads(each.value)["id"] == each.event_id for each in messages)


def test_while_it_is_held_only_verdicts_come() -> None:
    schedule = Schedule(seed=7, rate_per_s=100.0)
    schedule.go_on(now_s=1_000.0)
    schedule.due(now_s=1_001.0)
    schedule.hold()
    late = schedule.due(now_s=1_002.0)
    assert {each.stream for each in late} == {VERDICTS}
    assert schedule.empty
    schedule.go_on(now_s=1_500.0)
    assert min(each.due_s for each in schedule.due(now_s=1_501.0)) >= 1_500.0, "the time of the pause is not made up for"


def test_the_share_that_was_asked_for_is_bad_in_every_way() -> None:
    schedule = Schedule(seed=7, rate_per_s=100.0)
    schedule.bad_share = 0.05
    messages = sent(schedule, seconds=100)
    bad = [each for each in messages if not each.event_id]
    assert 400 < len(bad) < 600
    assert max(len(each.value) for each in bad) > OVERSIZE_BYTES
    assert {each.value[0] for each in bad} > {0, ord("{")}
