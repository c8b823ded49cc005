"""The supported cases, and what each has become after its first events."""

from functools import cache

from penstock.codec import encode
from tests.codec.cases import TRAINING, Case, Journey, run, travel
from tests.codec.ensembles import ENSEMBLES, OTHERS
from tests.codec.models import LINEAR_MODELS, OPTIMIZERS, TREES
from tests.codec.parts import DETECTORS, METRICS, STEPS

CASES: list[Case] = [*LINEAR_MODELS, *OPTIMIZERS, *TREES, *ENSEMBLES, *OTHERS, *STEPS, *DETECTORS, *METRICS]
BY_NAME = {case.name: case for case in CASES}


@cache
def journey(name: str) -> Journey:
    """The short journey of a case; made once, read by several tests."""
    return travel(BY_NAME[name])


@cache
def trained(name: str, events: int = TRAINING) -> bytes:
    """The state of a case after its first events."""
    if events == TRAINING:
        return journey(name).state
    case = BY_NAME[name]
    model = case.model()
    run(model, case.events(events))
    return encode(model)
