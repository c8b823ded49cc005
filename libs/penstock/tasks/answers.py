"""Answers on the wire and in bytes: the same for all tasks, whatever an answer is made of."""

from collections.abc import Mapping
from typing import Any

from penstock.tasks.multiclass import likeliest
from penstock.tasks.task import Answer


def written(answer: Answer | None) -> dict[str, Any]:
    """The fields of a record that hold an answer: `score`, and for classes `probabilities`; then the score is that of the likeliest.

    >>> written({"a": 0.25, "b": 0.75})
    {'score': 0.75, 'probabilities': {'a': 0.25, 'b': 0.75}}
    """
    if isinstance(answer, Mapping):
        return {"score": answer[likeliest(answer)], "probabilities": dict(answer)}
    return {"score": answer}


def predicted(answer: Answer | None) -> dict[str, Any]:
    """As `written`, with the class in words: for users.

    >>> predicted({"a": 0.25, "b": 0.75})["predicted_class"], predicted(0.5)
    ('b', {'score': 0.5})
    """
    return {**written(answer), "predicted_class": likeliest(answer)} if isinstance(answer, Mapping) else written(answer)


def answer_in(record: Mapping[str, Any], prefix: str = "") -> Answer | None:
    """The answer that a record holds; a record from before there were classes has no `probabilities`.

    >>> answer_in({"served_score": 0.5, "served_probabilities": None}, "served_"), answer_in({"score": None})
    (0.5, None)
    """
    probabilities = record.get(f"{prefix}probabilities")
    found: Answer | None = record[f"{prefix}score"] if probabilities is None else probabilities
    return found
