"""What a learner is asked and told: one way for the trainer, the deployer and every proof, so that their answers are equal to the bit."""

import hashlib
import math
from collections.abc import Mapping
from typing import Any

Learner = Any
"""A River classifier, or a pipeline that ends in one."""

FATAL = (MemoryError, RecursionError, KeyboardInterrupt, SystemExit, GeneratorExit)
"""What says nothing about the record that a learner failed on; everything else does, a panic of River's Rust (a BaseException) too."""

PROBABILITY_MIN = 1e-15  # as river.metrics.LogLoss: one wrong certainty must not be infinite
UNDECIDED = 0.5  # the answer of a learner that has no opinion yet: River gives an empty mapping then


def seed_of(model: str, number: int) -> int:
    """The seed of a version: 31 bits of SHA-256 of its name, so that every replay builds the same learner.

    >>> seed_of("m", 1)
    93331299
    """
    return int.from_bytes(hashlib.sha256(f"{model}/{number}".encode()).digest()[:4], "big") >> 1


def present(features: Mapping[str, Any]) -> dict[str, Any]:
    """The features that have a value: River's transformers know no null.

    >>> present({"wind": None, "hour": 7})
    {'hour': 7}
    """
    return {name: value for name, value in features.items() if value is not None}


def probability(learner: Learner, x: dict[str, Any]) -> float:
    """The learner's probability of the positive class for the present features `x`. Raises: ValueError if it is not finite."""
    answer = learner.predict_proba_one(x)
    score = float(answer.get(True, 0.0)) if answer else UNDECIDED
    if not math.isfinite(score):
        raise ValueError("the learner answered a probability that is not finite")
    return score


def score_of(learner: Learner, features: Mapping[str, Any]) -> float | None:
    """The learner's answer, or None whatever it raises: a question is always answered, and one record must not stop a partition.

    Raises: only what says nothing about this record (`FATAL`); the process starts again then.
    """
    try:
        return probability(learner, present(features))
    except FATAL:
        raise
    except BaseException:  # a panic of River's Rust is no Exception
        return None


def log_loss(label: bool, score: float) -> float:
    """The negative log likelihood of `label` under `score`, in nats, clipped as in River.

    >>> round(log_loss(True, 0.5), 4)
    0.6931
    """
    likelihood = score if label else 1.0 - score
    return -math.log(min(max(likelihood, PROBABILITY_MIN), 1.0 - PROBABILITY_MIN))
