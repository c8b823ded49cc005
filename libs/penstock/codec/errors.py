"""The ways in which a model state or a recipe is refused."""

from penstock.errors import PenstockError, UsageError


class StateError(PenstockError):
    """A model state that cannot be written or read; `path` leads to the place, `reason` says why."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"model state: {path}: {reason}")
        self.path = path
        self.reason = reason


class NotAllowed(StateError):
    """The state holds something outside the allow-list of `penstock.codec.classes`."""


class Malformed(StateError):
    """The bytes are not a canonical state document."""


class TooLarge(StateError):
    """The state is beyond a limit of `penstock.codec.Limits`."""


class WrongVersion(StateError):
    """The state was written by another River; the log can be folded again under this one (ADR 0022)."""


class NotDeclared(StateError):
    """The state holds other parameters than its recipe gives: it is another model's, or made by hand."""


class RecipeError(UsageError):
    """A recipe in a spec that cannot be built; `path` leads to the place, `reason` says why and what to try."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.path = path
        self.reason = reason
