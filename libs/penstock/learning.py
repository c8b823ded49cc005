"""What a learner is asked: one way for the trainer, the deployer and every proof, so that their answers are equal to the bit."""

import hashlib
from collections.abc import Mapping
from typing import Any

from penstock.tasks import Answer, Learner, Task

FATAL = (MemoryError, RecursionError, KeyboardInterrupt, SystemExit, GeneratorExit)
"""What says nothing about the record that a learner failed on; everything else does, a panic of River's Rust (a BaseException) too."""


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


def answer_of(task: Task, learner: Learner, features: Mapping[str, Any]) -> Answer | None:
    """The learner's answer, or None whatever it raises: a question is always answered, and one record must not stop a partition.

    Raises: only what says nothing about this record (`FATAL`); the process starts again then.
    """
    try:
        return task.ask(learner, present(features))
    except FATAL:
        raise
    except BaseException:  # a panic of River's Rust is no Exception
        return None
