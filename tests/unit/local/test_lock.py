"""The lock of Kafka's jars."""

from pathlib import Path

import pytest

from penstock.local.errors import LocalStackError
from penstock.local.jars import LOCK_FILE, Jar, parse_lock

HASH = "ab" * 32


def test_the_committed_lock_names_35_jars_and_every_kafka_module_once() -> None:
    jars = parse_lock(LOCK_FILE.read_text())
    assert len(jars) == len({(jar.group, jar.artifact) for jar in jars}) == 35
    assert {jar.version for jar in jars if jar.group == "org.apache.kafka"} == {"4.3.1"}
    assert 38_000_000 < sum(jar.size_bytes for jar in jars) < 39_000_000


def test_replication_dies_silently_without_storage_api_so_it_is_in_the_lock() -> None:
    assert "kafka-storage-api" in {jar.artifact for jar in parse_lock(LOCK_FILE.read_text())}


def test_a_jar_lies_where_maven_puts_it() -> None:
    jar = Jar("org.slf4j", "slf4j-api", "1.7.36", HASH, 1)
    assert jar.path_in(Path("m")) == Path("m/org/slf4j/slf4j-api/1.7.36/slf4j-api-1.7.36.jar")


def test_comments_and_empty_lines_are_skipped() -> None:
    assert parse_lock(f"# words\n\na:b:1 {HASH} 7\n") == (Jar("a", "b", "1", HASH, 7),)


@pytest.mark.parametrize("line", ["a:b:1", f"a:b {HASH} 7", "a:b:1 abcd 7", f"a:b:1 {HASH} many", f"a:b:1 {'zz' * 32} 7"])
def test_a_damaged_line_is_named(line: str) -> None:
    with pytest.raises(LocalStackError, match=r"kafka\.lock: cannot read"):
        parse_lock(line)
