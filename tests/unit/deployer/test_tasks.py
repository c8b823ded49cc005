"""What is answered, for every task."""

from random import Random
from typing import Any

import pytest

from penstock import codec
from penstock.tasks import TASKS, answer_in
from tests.tasks import SAMPLES
from tests.unit.deployer.vectors import make_bench

SCALED = [{"select": "numbers", "then": "preprocessing.StandardScaler"}]


def taught(task: str, count: int = 60) -> Any:
    """The first learner of the task's sample, after some lessons about the wind."""
    learner, random = codec.build_pipeline(SCALED, next(iter(SAMPLES[task].learners.values())), seed=1), Random(3)
    for _ in range(count):
        wind = random.uniform(0, 50)
        TASKS[task].teach(learner, {"wind": wind}, ("calm" if wind < 20 else "storm") if task == "multiclass" else wind)
    return learner


@pytest.mark.parametrize("task", SAMPLES)
async def test_an_answer_is_what_the_checkpoint_says_to_the_last_bit(task: str) -> None:
    bench, learner = await make_bench(), taught(task)
    fold = bench.fold(task)
    records = [bench.serve(codec.encode(learner)), bench.vector(1, wind=33.0, carrier=None)]
    prediction = bench.read([output for record in records for output in fold.step(record)][-1])
    answer = TASKS[task].ask(learner, {"wind": 33.0})
    assert answer is not None
    assert answer_in(prediction) == answer
    assert fold.counts["predict_errors"] == 0
    if isinstance(answer, dict):
        assert prediction["predicted_class"] == "storm"
        assert prediction["score"] == answer["storm"] > 0.5
        assert list(prediction["probabilities"]) == sorted(answer)
    else:
        assert prediction["predicted_class"] is None is prediction["probabilities"]


async def test_who_knows_no_class_yet_answers_nothing_and_the_partition_goes_on() -> None:
    bench = await make_bench()
    fold = bench.fold("multiclass")
    records = [bench.serve(codec.encode(taught("multiclass", 0))), bench.vector(1), bench.vector(2)]
    predictions = [bench.read(output) for record in records[1:] for output in [*fold.step(records[0]), *fold.step(record)][-1:]]
    assert [(each["score"], each["probabilities"]) for each in predictions] == [(None, None)] * 2
