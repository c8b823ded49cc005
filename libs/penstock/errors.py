"""The errors a user of Penstock can meet: one small tree, each with the exit code of the command that ends with it."""


class PenstockError(Exception):
    """Something Penstock cannot go on with; the message says what, why and the next command."""

    exit_code = 1


class UsageError(PenstockError):
    """A command or specification that cannot be understood."""

    exit_code = 2


class ProofUnequal(PenstockError):
    """A replay of the log did not give what was recorded."""

    exit_code = 3


class InvariantBroken(PenstockError):
    """A running platform is not what it promises to be."""

    exit_code = 3

    def __init__(self, names: str) -> None:
        super().__init__(f"broken: {names}")
