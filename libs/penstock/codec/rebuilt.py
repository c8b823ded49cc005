"""What River makes from the parameters of an object, and no state needs to hold."""

from typing import Any

from river.feature_extraction.vectorize import VectorizerMixin

_VECTORIZER = ("on", "strip_accents", "lowercase", "preprocessor", "stop_words", "tokenizer_pattern", "tokenizer", "ngram_range")


def rebuild(obj: Any) -> None:
    """Give a decoded object the parts that follow from its parameters: the steps of a vectorizer, which are functions."""
    if isinstance(obj, VectorizerMixin):
        VectorizerMixin.__init__(obj, **{name: getattr(obj, name) for name in _VECTORIZER})
