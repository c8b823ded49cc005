import hashlib
from dataclasses import replace

import pytest

from penstock.errors import UsageError
from penstock.rpc import Refused
from penstock_registry.checkpoint import Checkpoint, Proposal, check, refuse_other

BLOB = b"a learner"
CHECKPOINT = Checkpoint(
    model="flights-late",
    version=2,
    position=100,
    chain="c0",
    digest=hashlib.sha256(BLOB).hexdigest(),
    watermark_ms=5,
    parent=1,
    learner="adagrad",
    recipe="{}",
    runtime='{"python":"3.11"}',
    metrics='{"log_loss":0.5}',
    cause="drift-1",
    born_position=10,
    state="live",
)
PROPOSAL = Proposal("better-1", champion=1, labels=2000, difference=0.02, evidence="{}")


def test_a_sensible_checkpoint_is_let_in() -> None:
    check(CHECKPOINT, PROPOSAL, BLOB)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(CHECKPOINT, model=""),
        replace(CHECKPOINT, version=0),
        replace(CHECKPOINT, position=-1),
        replace(CHECKPOINT, state="asleep"),
        replace(CHECKPOINT, metrics='{"log_loss":NaN}'),
        replace(CHECKPOINT, recipe="{"),
    ],
)
def test_a_senseless_one_is_refused(wrong: Checkpoint) -> None:
    with pytest.raises(UsageError):
        check(wrong, None, BLOB)


def test_a_proposal_needs_a_cause_and_finite_evidence() -> None:
    for wrong in (replace(PROPOSAL, cause=""), replace(PROPOSAL, evidence="Infinity")):
        with pytest.raises(UsageError):
            check(CHECKPOINT, wrong, BLOB)


def test_bytes_that_are_not_the_digest_are_refused() -> None:
    with pytest.raises(Refused, match="the 5 bytes that came have the digest"):
        check(CHECKPOINT, None, b"other")


def test_another_checkpoint_in_the_same_place_is_refused_by_what_differs() -> None:
    with pytest.raises(Refused, match="already with another digest: one log gave two answers"):
        refuse_other(CHECKPOINT, replace(CHECKPOINT, digest="0" * 64))


def test_the_same_checkpoint_again_is_no_news() -> None:
    refuse_other(CHECKPOINT, replace(CHECKPOINT, size=9, created_at_ms=7, state="retired"))


def test_the_topic_tells_metrics_recipe_and_runtime_as_objects() -> None:
    body = CHECKPOINT.entry(7).body
    assert not isinstance(body, str)
    assert (body["metrics"], body["runtime"]) == ({"log_loss": 0.5}, {"python": "3.11"})
