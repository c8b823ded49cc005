"""What a backtest notes of each label, in columns: who answered what, and what it cost."""

from array import array
from pathlib import Path

import numpy as np

from penstock.tasks import Answer, Label, Task, written

NO_ANSWER = float("nan")


class Given:
    """Somebody's answers, in log order: the score of each, and its figures; NaN where there was no answer."""

    def __init__(self, task: Task) -> None:
        self.score = array("d")
        self.figures = {name: array("d") for name in task.figures}
        self._of = [(figure.of, self.figures[name].append) for name, figure in task.figures.items()]

    def note(self, label: Label, answer: Answer | None) -> None:
        """Take the next answer and its label."""
        self.score.append(NO_ANSWER if answer is None else written(answer)["score"])
        for of, append in self._of:
            append(NO_ANSWER if answer is None else of(label, answer))


class Columns:
    """What became of each label, in log order: the offset of its prediction, the candidate's answer and the one that was served.

    The truth stands beside them where answers are ranked by it.
    """

    def __init__(self, task: Task) -> None:
        self.asked, self.label = array("q"), array("b")
        self.mine, self.served = Given(task), Given(task)
        self._ranked = task.ranked

    def note(self, asked: int, label: Label, mine: Answer | None, served: Answer | None) -> None:
        """Take the next label."""
        self.asked.append(asked)
        if self._ranked:
            self.label.append(bool(label))
        self.mine.note(label, mine)
        self.served.note(label, served)

    def save(self, path: Path) -> None:
        """Write the columns as they are (NumPy's own format, without pickle)."""
        part = path.with_suffix(".part.npz")
        given = {f"{who}.{name}": column for who in ("mine", "served") for name, column in getattr(self, who).figures.items()}
        np.savez(part, asked=self.asked, label=self.label, score=self.mine.score, served=self.served.score, **given)
        part.replace(path)
