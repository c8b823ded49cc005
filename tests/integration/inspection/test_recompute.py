import pytest

from penstock import codec
from penstock.errors import PenstockError
from penstock.inspection.recompute import recomputer
from penstock.learning import answer_of
from penstock.spec import load
from penstock.spec.specification import canonical
from penstock.tasks import TASKS
from tests.scenario.doors import SPEC

BINARY = TASKS["binary_classification"]

QUESTIONS = [{"warmth": float(warmth)} for warmth in range(5)] + [{"warmth": None}]


async def test_another_process_gives_the_same_answers_to_the_last_bit() -> None:
    model = load(SPEC.format(own="x"), "doors.yaml").models["failsx"]
    learner = codec.build_pipeline(model.preprocess, model.learners["sgd"], 7)
    for number in range(50):
        learner.learn_one({"warmth": number * 37 % 100 / 7}, number % 3 == 0)
    blob = codec.encode(learner)
    async with recomputer() as child:
        assert child.runtime == canonical(codec.runtime())
        for _ in range(2):
            alone = [answer_of(BINARY, codec.decode(blob), question) for question in QUESTIONS]
            assert await child.answers(BINARY.name, blob, QUESTIONS) == alone


async def test_bytes_that_are_no_learner_are_an_error_and_the_process_goes_on() -> None:
    async with recomputer() as child:
        for _ in range(2):
            with pytest.raises(PenstockError, match="cannot be read"):
                await child.answers(BINARY.name, b"\x00", QUESTIONS)
