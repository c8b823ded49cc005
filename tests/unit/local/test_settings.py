"""The texts that Kafka and PostgreSQL are started with."""

from pathlib import Path

from penstock.local.kafka import parse_cluster_id, settings_text
from penstock.local.postgres import SETTINGS, parse_major


def settings() -> dict[str, str]:
    lines = settings_text(Path("/data"), 9001, 9002).splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_retention_is_left_to_the_topics() -> None:
    assert not [name for name in settings() if "retention" in name]


def test_the_memory_of_the_log_cleaner_is_small() -> None:
    assert int(settings()["log.cleaner.dedupe.buffer.size"]) <= 4 * 1024 * 1024


def test_only_this_machine_can_reach_the_broker() -> None:
    assert settings()["listeners"] == "PLAINTEXT://127.0.0.1:9001,CONTROLLER://127.0.0.1:9002"
    assert settings()["controller.quorum.voters"] == "1@127.0.0.1:9002"
    assert SETTINGS["listen_addresses"] == "127.0.0.1"


def test_topics_are_made_by_the_registry_only() -> None:
    assert settings()["auto.create.topics.enable"] == "false"


def test_the_cluster_id_is_read_from_kafkas_own_file() -> None:
    assert parse_cluster_id("#Sat Nov 21\nversion=1\ncluster.id=abc=\nnode.id=1\n") == "abc="
    assert parse_cluster_id("version=1\n") is None


def test_the_major_version_of_a_distribution_is_read_too() -> None:
    assert parse_major("postgres (PostgreSQL) 18.4") == "18"
    assert parse_major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)") == "15"
