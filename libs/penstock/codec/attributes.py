"""For each class in a state, its attributes and the types that each may hold, as observed on River 0.26.1."""

from collections.abc import Mapping

_TREE = (
    "_active_leaf_size_estimate:$number _growth_allowed:bool _inactive_leaf_size_estimate:$number _leaf_prediction:str "
    "_max_byte_size:$number _max_size:$number _n_active_leaves:int _n_inactive_leaves:int _root:$node|none "
    "_size_estimate_overhead_fraction:$number _split_criterion:str _train_weight_seen_by_model:$number binary_split:bool "
    "delta:$number grace_period:int max_depth:int memory_estimate_period:int merit_preprune:bool "
    "nominal_attributes:list|none remove_poor_attrs:bool splitter:$splitter|none stop_mem_management:bool tau:$number "
)
_BRANCH = "children:list depth:int feature:int|str stats:dict|var.Var "
_LEAF = "_disabled_attrs:set _last_split_attempt_at:$number depth:int splitter:$splitter splitters:dict|none "
_LINEAR = (
    "_weights:vectordict.VectorDict _y_name:none|str clip_gradient:$number initializer:$initializer intercept:$number "
    "intercept_init:$number intercept_lr:$scheduler l1:$number l2:$number loss:$loss optimizer:$optimizer "
)
# "name:types" for each attribute; "name?" may be absent; "$word" is a group below.
ATTRIBUTES: Mapping[str, str] = {
    "penstock.codec.ordered.OrderedSet": "items:dict",
    "penstock.codec.transformers.Pick": "names:tuple",
    "river.anomaly.hst.HalfSpaceTrees": (
        "_first_window:bool _tree_nodes:list counter:int height:int limits:defaultdict n_trees:int rng:Random seed:int|none "
        "trees:list window_size:int"
    ),
    "river.compose.pipeline.Pipeline": "steps:OrderedDict",
    "river.compose.select.Select": "keys:set",
    "river.compose.select.SelectType": "types:tuple",
    "river.compose.union.TransformerUnion": "transformers:dict",
    "river.drift.adwin.ADWIN": (
        "_drift_detected:bool _helper:drift.AdaptiveWindowing clock:int delta:$number grace_period:int max_buckets:int "
        "min_window_length:int"
    ),
    "river.drift.page_hinkley.PageHinkley": (
        "_drift_detected:bool _max_decrease:$number _min_increase:$number _sum_decrease:$number _sum_increase:$number "
        "_test_drift:method _x_mean:mean.Mean alpha:$number delta:$number min_instances:int mode:str threshold:$number"
    ),
    "river.dummy.PriorClassifier": "counts:Counter n:int",
    "river.forest.adaptive_random_forest.ARFClassifier": (
        "_background:list _drift_detection_disabled:bool _drift_detectors:list _drift_tracker:defaultdict _metrics:list "
        "_rng:Random _warning_detection_disabled:bool _warning_detectors:list _warning_tracker:defaultdict binary_split:bool "
        "data:list delta:$number disable_weighted_vote:bool drift_detector:$detector grace_period:int lambda_value:int "
        "leaf_prediction:str max_depth:int max_features:int|str max_share_to_split:$number max_size:$number "
        "memory_estimate_period:int merit_preprune:bool metric:accuracy.Accuracy min_branch_fraction:$number n_models:int "
        "nb_threshold:int nominal_attributes:list|none remove_poor_attrs:bool seed:int|none split_criterion:str splitter:$splitter|none "
        "stop_mem_management:bool tau:$number warning_detector:$detector"
    ),
    "river.forest.adaptive_random_forest.BaseTreeClassifier": _TREE
    + "classes:set max_features:int max_share_to_split:$number min_branch_fraction:$number nb_threshold:int rng:Random",
    "river.linear_model.lin_reg.LinearRegression": _LINEAR,
    "river.linear_model.log_reg.LogisticRegression": _LINEAR,
    "river.metrics.accuracy.Accuracy": "cm:confusion.ConfusionMatrix",
    "river.metrics.confusion.ConfusionMatrix": (
        "_init_classes:set _total_true_positives:$number data:defaultdict n_samples:int sum_col:defaultdict sum_row:defaultdict "
        "total_weight:$number"
    ),
    "river.metrics.cross_entropy.CrossEntropy": "_mean:mean.Mean",
    "river.metrics.fbeta.MacroF1": "beta:$number cm:confusion.ConfusionMatrix",
    "river.metrics.fbeta.F1": (
        "_requires_labels:bool beta:$number cm:confusion.ConfusionMatrix pos_val:$scalar precision:precision.Precision recall:recall.Recall"
    ),
    "river.metrics.log_loss.LogLoss": "_mean:mean.Mean",
    "river.metrics.mae.MAE": "_mean:mean.Mean",
    "river.metrics.mse.RMSE": "_mean:mean.Mean",
    "river.metrics.precision.Precision": "_requires_labels:bool cm:confusion.ConfusionMatrix pos_val:$scalar",
    "river.metrics.r2.R2": "_residual_sum_of_squares:$number _total_sum_of_squares:$number _y_var:var.Var",
    "river.metrics.recall.Recall": "_requires_labels:bool cm:confusion.ConfusionMatrix pos_val:$scalar",
    "river.metrics.roc_auc.ROCAUC": "cms:list n_thresholds:int pos_val:$scalar thresholds:list",
    "river.naive_bayes.gaussian.GaussianNB": "class_counts:Counter gaussians:defaultdict",
    "river.optim.ada_grad.AdaGrad": "eps:$number g2:defaultdict lr:$scheduler n_iterations:int",
    "river.optim.adam.Adam": (
        "beta_1:$number beta_2:$number eps:$number lr:$scheduler m:none|vectordict.VectorDict n_iterations:int v:none|vectordict.VectorDict"
    ),
    "river.optim.initializers.Constant": "value:$number",
    "river.optim.initializers.Normal": "_rng:mtrand.RandomState mu:$number seed:int|none sigma:$number",
    "river.optim.initializers.Zeros": "value:$number",
    "river.optim.losses.Absolute": "",
    "river.optim.losses.Hinge": "threshold:$number",
    "river.optim.losses.Huber": "epsilon:$number",
    "river.optim.losses.Log": "weight_neg:$number weight_pos:$number",
    "river.optim.losses.Poisson": "",
    "river.optim.losses.Quantile": "alpha:$number",
    "river.optim.losses.Squared": "",
    "river.optim.schedulers.Constant": "learning_rate:$number",
    "river.optim.schedulers.InverseScaling": "learning_rate:$number power:$number",
    "river.optim.sgd.SGD": "lr:$scheduler n_iterations:int",
    "river.preprocessing.one_hot.OneHotEncoder": "_zero_dict:dict categories:none drop_first:bool drop_zeros:bool values:defaultdict",
    "river.preprocessing.scale.MinMaxScaler": "max:defaultdict min:defaultdict window_size:none",
    "river.preprocessing.scale.StandardScaler": "counts:Counter means:defaultdict vars:defaultdict window_size:none with_std:bool",
    "river.proba.gaussian.Gaussian": "_var:var.Var seed:int|none _rng?:Random",
    "river.stats.maximum.Max": "max:bool|$number",
    "river.stats.mean.Mean": "_mean:$number n:$number",
    "river.stats.minimum.Min": "min:bool|$number",
    "river.stats.var.Var": "_S:$number ddof:int mean:mean.Mean",
    "river.time_series.snarimax.Differencer": "coeffs:dict d?:int m?:int",
    "river.time_series.snarimax.SNARIMAX": (
        "d:int differencer:snarimax.Differencer errors:deque m:int p:int q:int regressor:pipeline.Pipeline sd:int sp:int sq:int "
        "y_diff:deque y_hist:deque"
    ),
    "river.tree.padded.PaddedBranch": "children:list|tuple feature:int|str l_mass:$number r_mass:$number threshold:$number",
    "river.tree.padded.PaddedLeaf": "l_mass:$number r_mass:$number",
    "river.tree.hoeffding_adaptive_tree_classifier.HoeffdingAdaptiveTreeClassifier": _TREE
    + "_n_alternate_trees:int _n_pruned_alternate_trees:int _n_switch_alternate_trees:int _rng:Random bootstrap_sampling:bool "
    "classes:ordered.OrderedSet|set drift_detector:$detector drift_window_threshold:int "
    "max_share_to_split:$number min_branch_fraction:$number "
    "nb_threshold:int seed:int|none switch_significance:$number",
    "river.tree.hoeffding_tree_classifier.HoeffdingTreeClassifier": _TREE
    + "classes:set max_share_to_split:$number min_branch_fraction:$number nb_threshold:int",
    "river.tree.hoeffding_tree_regressor.HoeffdingTreeRegressor": _TREE
    + "leaf_model:lin_reg.LinearRegression min_samples_split:int model_selector_decay:$number",
    "river.tree.nodes.arf_htc_nodes.RandomLeafMajorityClass": _LEAF + "feature_indices:list max_features:int rng:Random stats:dict",
    "river.tree.nodes.arf_htc_nodes.RandomLeafNaiveBayes": _LEAF + "feature_indices:list max_features:int rng:Random stats:dict",
    "river.tree.nodes.arf_htc_nodes.RandomLeafNaiveBayesAdaptive": _LEAF
    + "_mc_correct_weight:$number _nb_correct_weight:$number feature_indices:list max_features:int rng:Random stats:dict",
    "river.tree.nodes.branch.NominalBinaryBranch": _BRANCH + "value:$scalar",
    "river.tree.nodes.branch.NominalMultiwayBranch": _BRANCH + "_mapping:dict _r_mapping:dict",
    "river.tree.nodes.branch.NumericBinaryBranch": _BRANCH + "threshold:$number",
    "river.tree.nodes.hatc_nodes.AdaLeafClassifier": _LEAF
    + "_mc_correct_weight:$number _mean_error:mean.Mean _nb_correct_weight:$number drift_detector:$detector rng:Random "
    "stats:dict",
    "river.tree.nodes.hatc_nodes.AdaNomBinaryBranchClass": _BRANCH
    + "_alternate_tree:$node|none _mean_error:mean.Mean drift_detector:$detector value:$scalar",
    "river.tree.nodes.hatc_nodes.AdaNomMultiwayBranchClass": _BRANCH
    + "_alternate_tree:$node|none _mapping:dict _mean_error:mean.Mean _r_mapping:dict drift_detector:$detector",
    "river.tree.nodes.hatc_nodes.AdaNumBinaryBranchClass": _BRANCH
    + "_alternate_tree:$node|none _mean_error:mean.Mean drift_detector:$detector threshold:$number",
    "river.tree.nodes.htc_nodes.LeafMajorityClass": _LEAF + "stats:dict",
    "river.tree.nodes.htc_nodes.LeafNaiveBayes": _LEAF + "stats:dict",
    "river.tree.nodes.htc_nodes.LeafNaiveBayesAdaptive": _LEAF + "_mc_correct_weight:$number _nb_correct_weight:$number stats:dict",
    "river.tree.nodes.htr_nodes.LeafAdaptive": _LEAF
    + "_fmse_mean:$number _fmse_model:$number _leaf_model:lin_reg.LinearRegression _model_supports_weights:bool stats:var.Var",
    "river.tree.nodes.htr_nodes.LeafMean": _LEAF + "stats:var.Var",
    "river.tree.nodes.htr_nodes.LeafModel": _LEAF + "_leaf_model:lin_reg.LinearRegression _model_supports_weights:bool stats:var.Var",
    "river.tree.splitter.ebst_splitter.EBSTNode": (
        "_left:ebst_splitter.EBSTNode|none _right:ebst_splitter.EBSTNode|none _update_estimator:function att_val:bool|$number "
        "estimator:var.Var"
    ),
    "river.tree.splitter.ebst_splitter.EBSTSplitter": "_root:ebst_splitter.EBSTNode|none",
    "river.tree.splitter.gaussian_splitter.GaussianSplitter": (
        "_att_dist_per_class:dict _max_per_class:dict _min_per_class:dict n_splits:int"
    ),
    "river.tree.splitter.nominal_splitter_classif.NominalSplitterClassif": (
        "_att_dist_per_class:defaultdict _att_values:set _missing_weight_observed:$number _total_weight_observed:$number"
    ),
    "river.tree.splitter.nominal_splitter_reg.NominalSplitterReg": "_statistics:dict _update_estimator:function",
    "river.tree.splitter.tebst_splitter.TEBSTSplitter": "_root:ebst_splitter.EBSTNode|none digits:int",
}
GROUPS: Mapping[str, str] = {
    "$node": (
        "arf_htc_nodes.RandomLeafMajorityClass arf_htc_nodes.RandomLeafNaiveBayes arf_htc_nodes.RandomLeafNaiveBayesAdaptive "
        "branch.NominalBinaryBranch branch.NominalMultiwayBranch branch.NumericBinaryBranch hatc_nodes.AdaLeafClassifier "
        "hatc_nodes.AdaNomBinaryBranchClass hatc_nodes.AdaNomMultiwayBranchClass hatc_nodes.AdaNumBinaryBranchClass "
        "htc_nodes.LeafMajorityClass "
        "htc_nodes.LeafNaiveBayes htc_nodes.LeafNaiveBayesAdaptive htr_nodes.LeafAdaptive htr_nodes.LeafMean "
        "htr_nodes.LeafModel"
    ),
    "$detector": "adwin.ADWIN page_hinkley.PageHinkley",
    "$optimizer": "ada_grad.AdaGrad adam.Adam sgd.SGD",
    "$scheduler": "schedulers.Constant schedulers.InverseScaling",
    "$initializer": "initializers.Constant initializers.Normal initializers.Zeros",
    "$loss": "losses.Absolute losses.Hinge losses.Huber losses.Log losses.Poisson losses.Quantile losses.Squared",
    "$splitter": (
        "ebst_splitter.EBSTSplitter gaussian_splitter.GaussianSplitter nominal_splitter_classif.NominalSplitterClassif "
        "nominal_splitter_reg.NominalSplitterReg tebst_splitter.TEBSTSplitter"
    ),
    "$number": "float int",
    "$scalar": "bool float int str",
}
