"""Calendar parts against datetime."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import example, given, strategies as st

from penstock.spec.view import PARTS as DECLARED
from penstock_feature_store.calendar import PARTS, calendar_part

ZONES = ["UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Monrovia", "Pacific/Apia", "America/St_Johns"]
EPOCH = datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))


@given(st.sampled_from(ZONES), st.integers(-3_000_000_000_000, 7_000_000_000_000))
@example("Africa/Monrovia", 63_593_069_999)  # the offset changes at 00:44:30 UTC: inside an hour
@example("Africa/Monrovia", 63_593_070_000)
def test_every_part_is_what_datetime_says(zone: str, time_ms: int) -> None:
    local = (EPOCH + timedelta(milliseconds=time_ms)).astimezone(ZoneInfo(zone))
    found = {part: calendar_part(part, zone)(time_ms) for part in PARTS}
    assert found == {"minute": local.minute, "hour": local.hour, "weekday": local.weekday(), "day": local.day, "month": local.month}


def test_the_parts_are_those_a_specification_may_ask_for() -> None:
    assert sorted(PARTS) == sorted(DECLARED)


def test_a_time_beyond_the_calendar_has_no_parts() -> None:
    assert [calendar_part(part, "UTC")(10**18) for part in PARTS] == [None] * len(PARTS)
