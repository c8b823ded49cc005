"""A request that is refused as a whole."""

from collections.abc import Sequence

from penstock.contract.problems import Problem


class Refused(Exception):
    """A request that no repetition makes better; `status` is HTTP's."""

    def __init__(self, status: int, title: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.problems = problems
