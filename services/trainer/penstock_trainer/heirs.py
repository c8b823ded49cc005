"""Heirs: after a rewind or a rebuild every living version goes on as a new one, and who still names the old one is led to it."""

from collections.abc import Iterable, Mapping
from typing import Any

from penstock import codec
from penstock.spec import Model
from penstock_trainer.checkpoints import Proposed
from penstock_trainer.cohort import Cohort, canonical
from penstock_trainer.rewind import Rewind
from penstock_trainer.versions import Version


class Heirs:
    """Which version goes on for one that a rewind has ended, by its number as the world knows it."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}

    def __contains__(self, number: int) -> bool:
        return number in self._numbers

    def of(self, number: int) -> int | None:
        """The number of the heir; None for a version that no rewind has ended."""
        return self._numbers.get(number)

    def succeed(self, heirs: Mapping[int, int], rewind: Rewind, default: int) -> None:
        """The versions of a refold have heirs: so has each that the world knew, the one of its number and learner, or else `default`."""
        self._numbers = {number: heirs.get(heir, default) for number, heir in self._numbers.items()}
        for number in rewind.versions:
            self._numbers.setdefault(number, heirs.get(number, default))

    def dump(self) -> list[list[int]]:
        """The state as plain lists."""
        return [list(pair) for pair in sorted(self._numbers.items())]

    def load(self, rows: Iterable[tuple[int, int]]) -> None:
        """Take back what `dump` gave."""
        self._numbers = dict(rows)


def inherit(cohort: Cohort, model: Model, rewind: Rewind) -> dict[int, int]:
    """Let every living version go on as a new one, under numbers that were never given; old number → new number.

    The heir is the very learner. Its record begins at its birth, as every version's: labels before it were counted for its parent.
    """
    heirs: dict[int, int] = {}
    highest = max((*rewind.versions, *cohort.versions))  # given by a refold, or known to the world
    for number, version in enumerate(cohort.live(), highest + 1):
        known = rewind.versions.get(version.number) == version.learner_name
        heirs[version.number] = number
        cohort.versions[number] = _heir(version, number, version.number if known else rewind.champion, model, rewind)
        version.remark()
        version.live, version.learner = False, codec.decode(version.mark)  # its own from here on
    return heirs


def _heir(version: Version, number: int, parent: int, model: Model, rewind: Rewind) -> Version:
    heir = type(version)(
        version.task,
        number,
        version.learner_name,
        version.recipe,
        version.learner,
        parent,
        rewind.cause,
        rewind.position + 1,
        version.task.fresh_metrics(model.metrics),
        version.seeded,
    )
    heir.remark()
    return heir


def lineage(heir: Version, rewind: Rewind) -> dict[str, Any]:
    """Where an heir comes from, for the history."""
    if rewind.runtime:
        return {"parent": heir.parent}
    corrected = {"corrected": len(rewind.corrections)} if rewind.corrections else {}
    return {"parent": heir.parent, "without": [list(cut) for cut in rewind.cuts], **corrected}


def proposed(heir: Version, champion: int, position: int) -> Proposed:
    """The wish that an heir serves: whoever has rewound the model has decided, so it is taken however promotion is decided otherwise."""
    return Proposed(
        cause=f"heir:{heir.number}>{champion}@{position}:{heir.cause}",
        champion=champion,
        labels=0,
        difference=0.0,
        evidence=canonical({"test": "rewind", "cause": heir.cause, "parent": heir.parent}),
        declared=True,
    )
