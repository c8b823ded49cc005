"""What a first specification proposes for each task: preprocessing, three learners or two, and when the champion changes."""

from collections.abc import Mapping
from dataclasses import dataclass

SCALED = """\
    preprocess:
      - {{select: numbers, then: preprocessing.{scaler}}}
      - {{select: strings, then: {{preprocessing.OneHotEncoder: {{drop_zeros: true}}}}}}
"""
DRIFT = """\
    drift:
      detectors: [{{signal: loss, use: {{drift.ADWIN: {{delta: 0.002}}}}, after_labels: 1000}}]
      reactions: [{{when: {{kind: concept}}, spawn: {spawn}, cooldown_labels: 5000, budget: 2}}]
"""


@dataclass(frozen=True, slots=True)
class Sketch:
    """Learners by name, the champion first; `promotion` without its margin."""

    learners: Mapping[str, str]
    metrics: str
    promotion: str
    scaler: str = "StandardScaler"
    drift: bool = True
    every: str = "100    # what answers is at most so far behind what has been learned"

    def text(self, margin: float) -> str:
        """The lines of a model from `preprocess` on."""
        champion, *challengers = self.learners
        width = max(map(len, self.learners)) + 1
        lines = [f"      {name + ':':{width}} {{{recipe}}}" for name, recipe in self.learners.items()]
        takes_over = "learn beside it, and take over when they are better" if self.drift else "learn beside it: penstock promote"
        return "\n".join(
            [
                SCALED.format(scaler=self.scaler) + "    learners:",
                *lines,
                f"    champion: {champion}    # answers",
                f"    challengers: [{', '.join(challengers)}]    # {takes_over}",
                f"    metrics: [{self.metrics}]",
                f"    checkpoint_every_labels: {self.every}",
                f"    promotion: {{{self.promotion.format(margin=f'{margin:g}')}}}",
                DRIFT.format(spawn=champion) if self.drift else "",
            ]
        )


ADAGRAD = "linear_model.LogisticRegression: {optimizer: {optim.AdaGrad: 0.05}}"
SKETCHES: Mapping[str, Sketch] = {
    "binary_classification": Sketch(
        {
            "adagrad": ADAGRAD,
            "sgd": "linear_model.LogisticRegression: {optimizer: {optim.SGD: 0.02}}",
            "tree": "tree.HoeffdingTreeClassifier: {grace_period: 200, max_depth: 8}",
        },
        "log_loss, rocauc, accuracy",
        "mode: automatic, metric: log_loss, after_labels: 1000, margin: {margin}",
    ),
    "multiclass": Sketch(
        {
            "forest": "forest.ARFClassifier: {n_models: 5, max_depth: 8}",
            "tree": "tree.HoeffdingTreeClassifier: {grace_period: 50, max_depth: 8}",
            "bayes": "naive_bayes.GaussianNB: {}",
        },
        "log_loss, macro_f1, accuracy",
        "mode: automatic, metric: log_loss, after_labels: 1000, margin: {margin}",
    ),
    "regression": Sketch(
        {
            "adagrad": "linear_model.LinearRegression: {optimizer: {optim.AdaGrad: 0.5}, intercept_lr: 0.1}",
            "sgd": "linear_model.LinearRegression: {optimizer: {optim.SGD: 0.01}, intercept_lr: 0.1}",
            "tree": "tree.HoeffdingTreeRegressor: {grace_period: 50, max_depth: 8}",
        },
        "mae, rmse, r2",
        "mode: automatic, metric: mae, after_labels: 500, margin: {margin}",
    ),
    "anomaly": Sketch(
        {
            "trees": "anomaly.HalfSpaceTrees: {n_trees: 10, height: 6, window_size: 100}",
            "patient": "anomaly.HalfSpaceTrees: {n_trees: 10, height: 6, window_size: 500}",
        },
        "rocauc",
        "mode: manual, metric: rocauc",
        scaler="MinMaxScaler",
        drift=False,
    ),
    "forecasting": Sketch(
        {
            "level": "time_series.HoltWinters: {alpha: 0.8}",
            "step": "time_series.SNARIMAX: {p: 1, d: 1, q: 0}",
            "dozen": "time_series.SNARIMAX: {p: 12, d: 1, q: 12}",
        },
        "mae, rmse, r2",
        "mode: automatic, metric: mae, after_labels: 100, margin: {margin}",
        every="1    # a forecast follows the last value that its checkpoint has learned",
    ),
}
