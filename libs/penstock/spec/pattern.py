"""Patterns of texts, matched in time that grows with the text and never faster: no producer can keep a worker busy with one."""

from collections.abc import Callable

from pydantic_core import SchemaError, SchemaValidator, core_schema

PATTERN_CHARACTERS_MAX = 200
TEXT_CHARACTERS_MAX = 1_000
PATTERN_RULE = "Rust's regular expressions: no look-around, no references back; the whole text must match"


def compile_pattern(text: str) -> Callable[[str], bool]:
    r"""A function that says whether a whole text matches.

    The engine is the regex crate of Rust, inside pydantic-core: it has no backtracking, and refuses what would need much memory
    (docs.rs/regex, "Untrusted input"). Raises: ValueError with a reason.

    >>> matches = compile_pattern("[A-Z]{2}[0-9]+")
    >>> matches("AA17"), matches("AA17\n"), matches("xAA17")
    (True, False, False)
    """
    if not 0 < len(text) <= PATTERN_CHARACTERS_MAX:
        raise ValueError(f"must be a text of 1 to {PATTERN_CHARACTERS_MAX} characters")
    _compiled(text)  # alone first: "a)|(b" would be well formed inside the brackets
    return _compiled(rf"\A(?:{text})\z").isinstance_python


def _compiled(text: str) -> SchemaValidator:
    try:
        return SchemaValidator(core_schema.str_schema(pattern=text, regex_engine="rust-regex", strict=True))
    except SchemaError as error:
        reason = str(error).strip().splitlines()[-1].strip().removeprefix("SchemaError: ").removeprefix("error: ")
        raise ValueError(f"cannot be a pattern: {reason}") from error
