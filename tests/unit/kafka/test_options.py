"""What we tell aiokafka, option by option: its defaults lose records (spikes and design, section 12)."""

import pytest
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from penstock.kafka.consumer import FOLLOWER, MEMBER, READER
from penstock.kafka.producer import OPTIONS
from penstock.kafka.topics import DAY_MS, RETENTION_MS, topic_config


def test_a_consumer_never_commits_by_itself_never_resets_and_reads_what_is_committed() -> None:
    for options in (READER, FOLLOWER, MEMBER):
        assert options["enable_auto_commit"] is False
        assert options["auto_offset_reset"] == "none"
        assert options["isolation_level"] == "read_committed"
        assert options["request_timeout_ms"] == 40_000


def test_what_stays_leaves_a_silent_topic_in_peace_and_what_reads_to_an_end_waits_for_no_more() -> None:
    assert READER["fetch_max_wait_ms"] == 20
    assert FOLLOWER["fetch_max_wait_ms"] == MEMBER["fetch_max_wait_ms"] == 500


def test_a_member_is_missed_after_six_seconds_and_shares_by_range() -> None:
    assert MEMBER["session_timeout_ms"] == 6_000
    assert MEMBER["heartbeat_interval_ms"] == 1_000
    assert MEMBER["partition_assignment_strategy"] == (RangePartitionAssignor,)


def test_a_producer_is_idempotent_and_waits_for_all_replicas() -> None:
    assert OPTIONS["acks"] == "all"
    assert OPTIONS["enable_idempotence"] is True
    assert OPTIONS["request_timeout_ms"] == 40_000
    assert OPTIONS["linger_ms"] == 1


@pytest.mark.parametrize("kind", RETENTION_MS)
def test_every_topic_is_stamped_by_the_broker_and_never_limited_by_size(kind: str) -> None:
    assert topic_config(kind)["message.timestamp.type"] == "LogAppendTime"
    assert topic_config(kind)["retention.bytes"] == "-1"


def test_learning_logs_are_kept_for_ever_and_only_the_registry_is_compacted() -> None:
    assert topic_config("learning")["retention.ms"] == topic_config("drift")["retention.ms"] == "-1"
    assert topic_config("events")["retention.ms"] == str(7 * DAY_MS)
    assert [kind for kind in RETENTION_MS if topic_config(kind)["cleanup.policy"] == "compact"] == ["registry"]
