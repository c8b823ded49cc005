"""The classes that a recipe may name, with their arguments and limits: the part of the allow-list that a spec sees."""

from collections.abc import Mapping

from penstock.codec.arguments import Buildable
from penstock.codec.buildables.bayes import BAYES
from penstock.codec.buildables.detectors import DETECTORS
from penstock.codec.buildables.ensembles import ENSEMBLES
from penstock.codec.buildables.linear import LINEAR
from penstock.codec.buildables.metrics import METRICS
from penstock.codec.buildables.optimizers import OPTIMIZERS
from penstock.codec.buildables.others import OTHERS
from penstock.codec.buildables.statistics import STATISTICS
from penstock.codec.buildables.transformers import TRANSFORMERS
from penstock.codec.buildables.trees import TREES

BUILDABLES: Mapping[str, Buildable] = {
    **LINEAR,
    **TREES,
    **ENSEMBLES,
    **BAYES,
    **OTHERS,
    **TRANSFORMERS,
    **OPTIMIZERS,
    **STATISTICS,
    **DETECTORS,
    **METRICS,
}
LEARNERS = ("classifier", "regressor", "anomaly detector", "forecaster")
GROUPS: Mapping[str, tuple[str, ...]] = {
    "learner": LEARNERS,
    "metric": ("classification metric", "regression metric"),
    "any statistic": ("statistic", "quantile"),  # a quantile of nothing is no number, which aggregates cannot bear
    "any loss": ("binary loss", "regression loss", "class loss"),
}


def belongs(buildable: Buildable, group: str) -> bool:
    """Whether a class is of a group; "learner" is every group that a task can ask."""
    return buildable.group in GROUPS.get(group, (group,))
