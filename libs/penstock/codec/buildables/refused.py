"""River's classes that cannot be proved, each with the reason, which `penstock apply` says."""

from collections.abc import Mapping

_ADDRESS = "it keys its memory by the addresses of objects, which no log determines"
_PREDICTS = "it changes when it predicts, so what was asked would decide what was learned"
_KEYWORDS = "it takes any keyword, which no list can check"
_FUNCTION = "it holds a function, and no code is executed from a spec"

REFUSED: Mapping[str, str] = {
    "rules.AMRules": f"{_ADDRESS}. Try: tree.HoeffdingTreeRegressor",
    "anomaly.LocalOutlierFactor": f"{_ADDRESS}. Try: anomaly.HalfSpaceTrees",
    "feature_extraction.RandomTreesEmbedding": f"{_ADDRESS}. Try: feature_extraction.RBFSampler",
    "linear_model.BayesianLinearRegression": f"{_PREDICTS}. Try: linear_model.LinearRegression",
    "neighbors.SWINN": f"{_PREDICTS}. Try: neighbors.LazySearch",
    "cluster.DBSTREAM": f"{_PREDICTS}, and no task asks for clusters",
    "cluster.DenStream": f"{_PREDICTS}, and no task asks for clusters",
    "cluster.CluStream": f"{_KEYWORDS}. Try: cluster.KMeans",
    "cluster.STREAMKMeans": f"{_KEYWORDS}. Try: cluster.KMeans",
    "compose.FuncTransformer": f"{_FUNCTION}. Try: a computed feature in the view",
    "compose.TargetTransformRegressor": f"{_FUNCTION}. Try: preprocessing.TargetStandardScaler",
    "drift.DummyDriftDetector": "it raises alarms at random or by count: nothing has drifted then. Try: drift.ADWIN",
}
