"""How proofs and differences are told: what was proved and what it rests on, the biggest changes first, and how many are left out."""

from dataclasses import replace
from typing import Any

from penstock.cli.diff import describe as describe_diff
from penstock.cli.verify import describe
from penstock.inspection.trainer import Proof

PROOF = Proof(
    equal=True, reference="m/1@900", records=900, seconds=1.5, digest="d", digest_replayed="d", chain="c", chain_replayed="c",
    metrics_equal=True, difference="", from_position=0, snapshot=0, checkpoints=12,
)  # fmt: skip


def test_a_proof_says_where_it_began_and_what_it_rests_on() -> None:
    from_zero, from_snapshot = describe(PROOF), describe(replace(PROOF, records=100, from_position=800, snapshot=800))
    assert "proved m/1@900: 900 records folded from offset 0 in 1.5 s" in from_zero
    assert "12 checkpoints on the way" in from_zero
    assert "100 records folded from the snapshot at offset 800, which is trusted (--from-zero trusts none)" in from_snapshot


def test_a_proof_that_failed_says_why_and_from_where() -> None:
    told = describe(replace(PROOF, equal=False, difference="digest was recorded as d, the replay gives e", snapshot=800, from_position=800))
    assert told.startswith("NOT EQUAL m/1@900: digest was recorded as d, the replay gives e")
    assert "from the snapshot at offset 800" in told


def compared(count: int, *differences: tuple[str, float | None]) -> dict[str, Any]:
    sides = {side: {"reference": f"m/{side}@9", "learner": "sgd", "digest": side, "metrics": {"labels": 9}} for side in ("left", "right")}
    return {
        **sides,
        "count": count,
        "differences": [{"path": path, "left": "1", "right": "2", "change": change} for path, change in differences],
    }


def test_a_difference_tells_both_values_and_how_many_are_left_out() -> None:
    lines = describe_diff(compared(7, ("model.weights['wind']", 0.5), ("model.grown", None)))
    assert "    50.00%  model.weights['wind']: 1 → 2" in lines
    assert any(line.endswith("other  model.grown: 1 → 2") for line in lines)
    assert lines[-1] == "  … and 5 smaller differences. Try: --limit 0"
    assert "smaller" not in "".join(describe_diff(compared(1, ("model.n", 0.1))))


def test_the_same_bytes_are_said_to_be_the_same() -> None:
    same = compared(0)
    same["right"]["digest"] = "left"
    assert describe_diff(same)[-1] == "the same bytes: digest left"


def test_a_proof_over_a_log_that_was_rebuilt_says_which_part_it_proves() -> None:
    told = describe(replace(PROOF, rebuilt=512)).splitlines()
    assert told[:-1] == describe(PROOF).splitlines()
    assert "rebuilt under this runtime at offset 512" in told[-1]
    assert "only where their runtime is" in told[-1]
