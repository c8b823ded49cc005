"""What a user calls a model, a version or a checkpoint: flights-late, flights-late@champion, flights-late/7, flights-late/7@123456."""

import re
from dataclasses import dataclass

from penstock.errors import UsageError

CHAMPION = "champion"
PREFIX = "models:/"  # as MLflow writes it
ALIAS = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_REFERENCE = re.compile(
    r"(?P<model>[A-Za-z0-9][A-Za-z0-9_-]*)"
    rf"(?:@(?P<alias>{ALIAS.pattern})|/(?P<version>[0-9]{{1,9}})(?:@(?P<position>[0-9]{{1,18}}))?)?"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """A parsed reference; exactly one of `alias` and `version` is given, a position only with a version."""

    model: str
    alias: str | None = None
    version: int | None = None
    position: int | None = None


def parse_reference(text: str) -> Reference:
    """The parts of a reference; a bare name means the champion. Raises: UsageError.

    >>> parse_reference("models:/flights-late/7@123456")
    Reference(model='flights-late', alias=None, version=7, position=123456)
    """
    match = _REFERENCE.fullmatch(text.removeprefix(PREFIX))
    if match is None:
        raise UsageError(f'"{text}" is not a reference. Try: NAME, NAME@ALIAS, NAME/VERSION or NAME/VERSION@POSITION')
    model, alias, version, position = match.group("model", "alias", "version", "position")
    if version is None:
        return Reference(model, alias or CHAMPION)
    return Reference(model, None, int(version), None if position is None else int(position))
