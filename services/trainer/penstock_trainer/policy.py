"""The policies of a model: how it reacts to drift and whom it proposes as champion, decided from the state of the fold alone."""

from dataclasses import dataclass
from typing import Any

from penstock.spec import Promotion, Reaction
from penstock.tasks import Loss
from penstock_trainer.cohort import Cohort
from penstock_trainer.versions import Version


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a reaction to drift did not happen: cooldown or budget."""

    reason: str


@dataclass(slots=True)
class Reactions:
    """When each reaction last fired, in labels; the cool-down counts from there."""

    fired_at_labels: dict[str, int]

    def decide(self, reaction: Reaction, labels: int, cohort: Cohort, champion: int, fair_chance: int) -> Version | Refusal | None:
        """A refusal; or the challenger that must retire to make room; or None when there is room.

        `budget` is the number of living challengers. When it is spent, the worst one that has had its fair chance (`fair_chance` labels
        paired with the champion) makes room; if none has, the reaction is refused.
        """
        last = self.fired_at_labels.get(_key(reaction))
        if last is not None and labels - last < reaction.cooldown_labels:
            return Refusal("cooldown")
        challengers = cohort.challengers(champion)
        if len(challengers) < reaction.budget:
            return None
        tried = [version for version in challengers if version.paired_labels >= fair_chance]
        return min(tried, key=advantage) if tried else Refusal("budget")

    def fired(self, reaction: Reaction, labels: int) -> None:
        """Note that the reaction happened."""
        self.fired_at_labels[_key(reaction)] = labels


def _key(reaction: Reaction) -> str:
    return f"{reaction.kind}>{reaction.spawn}"


def advantage(version: Version) -> float:
    """Mean loss of the champion less that of this version, over the labels that both had predicted."""
    return version.paired_difference / version.paired_labels if version.paired_labels else 0.0


def proposal(cohort: Cohort, champion: int, promotion: Promotion) -> Version | None:
    """The challenger whose advantage is largest, if it exceeds the margin over enough labels.

    A fixed-sample rule looked at after every label; `advantage` is the place for an anytime-valid test
    (Howard et al., Time-uniform confidence sequences, 2021).
    """
    ready = [version for version in cohort.challengers(champion) if version.paired_labels >= promotion.after_labels]
    best = max(ready, key=advantage, default=None)
    return best if best is not None and advantage(best) > promotion.margin else None


def evidence(version: Version, champion: Version, loss: Loss | None) -> dict[str, Any]:
    """What a proposal rests on."""
    return {
        "test": f"mean difference of {loss.name}" if loss else "none: one label has no loss",
        "labels": version.paired_labels,
        "difference": advantage(version),
        "challenger": version.metrics(),
        "champion": champion.metrics(),
    }
