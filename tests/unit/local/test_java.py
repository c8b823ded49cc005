"""The choice of Java flags by version."""

from pathlib import Path

import pytest

from penstock.local.java import java_flags, major_of, parse_version


@pytest.mark.parametrize("major", [17, 21, 24])
def test_flags_that_abort_an_older_java_are_left_out(major: int) -> None:
    flags = " ".join(java_flags(major, aot_cache=Path("k.aot"), aot_output=Path("k.part")))
    assert "AOT" not in flags
    assert "unsafe" not in flags


def test_java_25_uses_the_cache_if_there_is_one() -> None:
    flags = java_flags(25, aot_cache=Path("k.aot"), aot_output=Path("k.part"))
    assert "-XX:AOTCache=k.aot" in flags
    assert "-XX:AOTCacheOutput=k.part" not in flags
    assert "--sun-misc-unsafe-memory-access=allow" in flags


def test_java_25_trains_the_cache_if_there_is_none() -> None:
    assert "-XX:AOTCacheOutput=k.part" in java_flags(25, aot_output=Path("k.part"))


@pytest.mark.parametrize(
    ("text", "version", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', "17.0.15", 17),
        ('java version "1.8.0_402"', "1.8.0_402", 8),
        ('openjdk version "26-ea" 2026-03-17', "26-ea", 26),
        ('IMPLEMENTOR="x"\nJAVA_VERSION="25.0.2"\n', "25.0.2", 25),
    ],
)
def test_the_version_is_read_from_what_java_says(text: str, version: str, major: int) -> None:
    assert parse_version(text) == version
    assert major_of(version) == major


def test_words_without_a_version_are_no_java() -> None:
    assert parse_version("Unable to locate a Java Runtime") is None
