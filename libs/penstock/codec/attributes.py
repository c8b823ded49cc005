"""For each class in a state, its attributes and the types that each may hold, as observed on River 0.26.1.

`python -m tests.codec.observe` adds what new cases hold; what it adds is read before it is kept.
"""

from collections.abc import Mapping

# "name:types" for each attribute; "name?" may be absent; "$word" is a group below.
ATTRIBUTES: Mapping[str, str] = {
    "penstock.codec.ordered.OrderedSet": "items:dict",
    "penstock.codec.transformers.Pick": "names:tuple",
    "river.anomaly.filter.QuantileFilter": "anomaly_detector:$learner protect_anomaly_detector:bool quantile:quantile.Quantile",
    "river.anomaly.filter.ThresholdFilter": "anomaly_detector:$learner protect_anomaly_detector:bool threshold:$number",
    "river.anomaly.gaussian.GaussianScorer": "gaussian:gaussian.Gaussian|rolling.Rolling grace_period:int window_size:int|none",
    "river.anomaly.hst.HalfSpaceTrees": (
        "_first_window:bool _tree_nodes:list counter:$number height:int limits:defaultdict|none n_trees:int rng:Random "
        "seed:int|none trees:list window_size:int"
    ),
    "river.anomaly.loda.LODA": ("features_:list histograms_:list n_bins:int n_random_cuts:int projections_:list rng:Random seed:int|none"),
    "river.anomaly.pad.PredictiveAnomalyDetection": (
        "dynamic_mae:mean.Mean dynamic_se_variance:var.Var horizon:int iter:$number n_std:$number "
        "predictive_model:$learner|none warmup_period:int"
    ),
    "river.anomaly.sad.StandardAbsoluteDeviation": "sub_stat:$statistic|none variance:var.Var",
    "river.anomaly.svm.OneClassSVM": (
        "_weights:vectordict.VectorDict _y_name:none clip_gradient:$number initializer:$initializer|none intercept:$number "
        "intercept_init:$number intercept_lr:$number|$scheduler l1:$number l2:$number loss:losses.Hinge nu:$number "
        "optimizer:$optimizer|none"
    ),
    "river.bandit.epsilon_greedy.EpsilonGreedy": (
        "_counts:Counter _n:$number _rewards:defaultdict _rng:Random burn_in:int decay:$number epsilon:$number "
        "reward_obj:$metric|none reward_scaler:none seed:int|none"
    ),
    "river.bandit.exp3.Exp3": (
        "_counts:Counter _n:$number _probabilities:dict _rewards:defaultdict _rng:Random _weights:defaultdict burn_in:int "
        "gamma:$number reward_obj:$metric|none reward_scaler:none seed:int|none"
    ),
    "river.bandit.ucb.UCB": (
        "_counts:Counter _n:$number _rewards:defaultdict _rng:Random burn_in:int delta:$number reward_obj:$metric|none "
        "reward_scaler:none seed:int|none"
    ),
    "river.cluster.k_means.KMeans": (
        "_rng:Random centers:dict halflife:$number mu:$number n_clusters:int p:int seed:int|none sigma:$number"
    ),
    "river.compose.pipeline.Pipeline": "steps:OrderedDict",
    "river.compose.select.Select": "keys:set",
    "river.compose.select.SelectType": "types:tuple",
    "river.compose.union.TransformerUnion": "transformers:dict",
    "river.drift.adwin.ADWIN": (
        "_drift_detected:bool _helper:drift.AdaptiveWindowing clock:int delta:$number grace_period:int max_buckets:int "
        "min_window_length:int"
    ),
    "river.drift.binary.ddm.DDM": (
        "_drift_detected:bool _p:mean.Mean _p_min:$number|none _ps_min:$number _s_min:$number|none _warning_detected:bool "
        "drift_threshold:$number warm_start:int warning_threshold:$number"
    ),
    "river.drift.binary.eddm.EDDM": (
        "_drift_detected:bool _error_distances:var.Var _last_error:$number _n:$number _n_errors:$number _p2s_prime_max:$number "
        "_warning_detected:bool alpha:$number beta:$number warm_start:int"
    ),
    "river.drift.binary.fhddm.FHDDM": (
        "_drift_detected:bool _epsilon:$number _epsilon_s:$number _short_window:deque _sliding_window:deque _u_max:$number "
        "_u_short_max:$number _warning_detected:bool confidence_level:$number n_one:$number short_window_size:int|none "
        "sliding_window_size:int"
    ),
    "river.drift.binary.hddm_a.HDDMA": (
        "_drift_detected:bool _warning_detected:bool _x_max:mean.Mean _x_min:mean.Mean _z:mean.Mean drift_confidence:$number "
        "two_sided_test:bool warning_confidence:$number"
    ),
    "river.drift.binary.hddm_w.HDDMW": (
        "_decr_cutpoint:$number _drift_detected:bool _incr_cutpoint:$number _s1_decr:hddm_w.SampleInfo "
        "_s1_incr:hddm_w.SampleInfo _s2_decr:hddm_w.SampleInfo _s2_incr:hddm_w.SampleInfo _total:hddm_w.SampleInfo "
        "_warning_detected:bool drift_confidence:$number lambda_val:$number two_sided_test:bool warning_confidence:$number"
    ),
    "river.drift.binary.hddm_w.SampleInfo": ("_c_lambd_sq:$number _ewma:ewmean.EWMean _ibc:$number _is_init:bool _lambd_sq:$number"),
    "river.drift.kswin.KSWIN": (
        "_drift_detected:bool _rng:Random alpha:$number n:$number p_value:$number|numpy.float64 seed:int|none stat_size:int "
        "window:deque|none window_size:int"
    ),
    "river.drift.no_drift.NoDrift": "_drift_detected:bool",
    "river.drift.page_hinkley.PageHinkley": (
        "_drift_detected:bool _max_decrease:$number _min_increase:$number _sum_decrease:$number _sum_increase:$number "
        "_test_drift:method _x_mean:mean.Mean alpha:$number delta:$number min_instances:int mode:str threshold:$number"
    ),
    "river.drift.retrain.DriftRetrainingClassifier": (
        "bkg_model?:$learner|hoeffding_tree_classifier.HoeffdingTreeClassifier|none drift_detector:$detector|none "
        "model:$learner train_in_background:bool"
    ),
    "river.dummy.NoChangeClassifier": "classes:set last_class:$scalar|bool|none",
    "river.dummy.PriorClassifier": "counts:Counter n:int",
    "river.dummy.StatisticRegressor": "statistic:$statistic",
    "river.ensemble.bagging.ADWINBaggingClassifier": (
        "_drift_detectors:list _rng:Random data:list model:$learner n_models:int seed:int|none"
    ),
    "river.ensemble.bagging.BaggingClassifier": "_rng:Random data:list model:$learner n_models:int seed:int|none",
    "river.ensemble.bagging.BaggingRegressor": "_rng:Random data:list model:$learner n_models:int seed:int|none",
    "river.ensemble.bagging.LeveragingBaggingClassifier": (
        "_bagging_fct:method _drift_detectors:list _rng:Random adwin_delta:$number bagging_method:str data:list model:$learner "
        "n_detected_changes:$number n_models:int seed:int|none w:$number"
    ),
    "river.ensemble.boosting.ADWINBoostingClassifier": (
        "_drift_detectors:list _rng:Random correct_weight:defaultdict data:list model:$learner n_models:int seed:int|none "
        "wrong_weight:defaultdict"
    ),
    "river.ensemble.boosting.AdaBoostClassifier": (
        "_rng:Random correct_weight:defaultdict data:list model:$learner n_models:int seed:int|none wrong_weight:defaultdict"
    ),
    "river.ensemble.boosting.BOLEClassifier": (
        "_rng:Random correct_weight:defaultdict data:list error_bound:$number instances_seen:$number model:$learner "
        "n_models:int order_position:list seed:int|none wrong_weight:defaultdict"
    ),
    "river.ensemble.ewa.EWARegressor": "data:list learning_rate:$number loss:$loss|none weights:list",
    "river.ensemble.stacking.StackingClassifier": "data:list include_features:bool meta_classifier:$learner",
    "river.ensemble.streaming_random_patches.BaseSRPClassifier": (
        "_background_learner:none|streaming_random_patches.BaseSRPClassifier created_on:int disable_background_learner:bool "
        "disable_drift_detector:bool drift_detector:$detector|none features:list|none idx_original:int "
        "is_background_learner:bool metric:$metric model:$learner n_drifts_detected:$number n_warnings_detected:$number "
        "rng:Random warning_detector:$detector|none"
    ),
    "river.ensemble.streaming_random_patches.BaseSRPRegressor": (
        "_background_learner:none|streaming_random_patches.BaseSRPRegressor created_on:int disable_background_learner:bool "
        "disable_drift_detector:bool drift_detection_criteria:none drift_detector:$detector|none features:list|none "
        "idx_original:int is_background_learner:bool metric:$metric model:$learner n_drifts_detected:$number "
        "n_warnings_detected:$number rng:Random warning_detector:$detector|none"
    ),
    "river.ensemble.streaming_random_patches.SRPClassifier": (
        "_base_learner_class:type _n_samples_seen:$number _rng:Random _subspaces:list data:list disable_detector:str "
        "disable_weighted_vote:bool drift_detector:$detector|none lam:int metric:$metric|none model:$learner|none n_models:int "
        "seed:int|none subspace_size:$number|str training_method:str warning_detector:$detector|none"
    ),
    "river.ensemble.streaming_random_patches.SRPRegressor": (
        "_base_learner_class:type _n_samples_seen:$number _rng:Random _subspaces:list aggregation_method:str data:list "
        "disable_detector:str disable_weighted_vote:bool drift_detection_criteria:str drift_detector:$detector|none lam:int "
        "metric:$metric|none model:$learner|none n_models:int seed:int|none subspace_size:$number|str training_method:str "
        "warning_detector:$detector|none"
    ),
    "river.ensemble.voting.VotingClassifier": "data:list use_probabilities:bool",
    "river.facto.fm.FMClassifier": (
        "clip_gradient:$number intercept:$number intercept_lr:$number|$scheduler l1_latent:$number l1_weight:$number "
        "l2_latent:$number l2_weight:$number latent_initializer:$initializer|none latent_optimizer:$optimizer|none "
        "latents:defaultdict loss:$loss|none n_factors:int sample_normalization:bool seed:int|none "
        "weight_initializer:$initializer|none weight_optimizer:$optimizer|none weights:defaultdict"
    ),
    "river.facto.fm.FMRegressor": (
        "clip_gradient:$number intercept:$number|numpy.float64 intercept_lr:$number|$scheduler l1_latent:$number "
        "l1_weight:$number l2_latent:$number l2_weight:$number latent_initializer:$initializer|none "
        "latent_optimizer:$optimizer|none latents:defaultdict loss:$loss|none n_factors:int sample_normalization:bool "
        "seed:int|none weight_initializer:$initializer|none weight_optimizer:$optimizer|none weights:defaultdict"
    ),
    "river.feature_extraction.agg.Agg": "_feature_name:str _groups:defaultdict by:list|none|str how:$statistic on:str",
    "river.feature_extraction.agg.TargetAgg": (
        "_feature_name:str _groups:defaultdict by:list|none|str how:$statistic|rolling.Rolling on:str"
    ),
    "river.feature_extraction.kernel_approx.RBFSampler": (
        "gamma:$number n_components:int offsets:list rng:Random seed:int|none weights:defaultdict"
    ),
    "river.feature_extraction.poly.PolynomialExtender": "bias_name:str degree:int include_bias:bool interaction_only:bool",
    "river.feature_extraction.vectorize.BagOfWords": (
        "lowercase:bool ngram_range:tuple on:none|str preprocessor:none stop_words:none strip_accents:bool tokenizer:none "
        "tokenizer_pattern:str"
    ),
    "river.feature_extraction.vectorize.TFIDF": (
        "dfs:Counter lowercase:bool n:$number ngram_range:tuple normalize:bool on:none|str preprocessor:none stop_words:none "
        "strip_accents:bool tokenizer:none tokenizer_pattern:str"
    ),
    "river.feature_selection.k_best.SelectKBest": ("k:int leaderboard:Counter similarities:defaultdict similarity:$statistic use_abs:bool"),
    "river.feature_selection.random.PoissonInclusion": "included:set p:$number rng:Random seed:int|none",
    "river.feature_selection.variance.VarianceThreshold": "min_samples:int threshold:$number variances:defaultdict",
    "river.forest.adaptive_random_forest.ARFClassifier": (
        "_background:list|none _drift_detection_disabled:bool _drift_detectors?:list _drift_tracker:defaultdict|none "
        "_metrics:list _rng:Random _warning_detection_disabled:bool _warning_detectors?:list _warning_tracker:defaultdict|none "
        "binary_split:bool data:list delta:$number disable_weighted_vote:bool drift_detector:$detector grace_period:int "
        "lambda_value:int leaf_prediction:str max_depth:int max_features:int|str max_share_to_split:$number max_size:$number "
        "memory_estimate_period:int merit_preprune:bool metric:accuracy.Accuracy min_branch_fraction:$number n_models:int "
        "nb_threshold:int nominal_attributes:list|none remove_poor_attrs:bool seed:int|none split_criterion:str "
        "splitter:$splitter|none stop_mem_management:bool tau:$number warning_detector:$detector"
    ),
    "river.forest.adaptive_random_forest.ARFRegressor": (
        "_background:list|none _drift_detection_disabled:bool _drift_detectors?:list _drift_norm:list "
        "_drift_tracker:defaultdict|none _metrics:list _rng:Random _warning_detection_disabled:bool _warning_detectors?:list "
        "_warning_tracker:defaultdict|none aggregation_method:str binary_split:bool data:list delta:$number "
        "disable_weighted_vote:bool drift_detector:$detector|none grace_period:int lambda_value:int leaf_model:none "
        "leaf_prediction:str max_depth:int|none max_features:int|str max_size:$number memory_estimate_period:int "
        "merit_preprune:bool metric:$metric|none min_samples_split:int model_selector_decay:$number n_models:int "
        "nominal_attributes:list|none remove_poor_attrs:bool seed:int|none splitter:$splitter|none stop_mem_management:bool "
        "tau:$number warning_detector:$detector|none"
    ),
    "river.forest.adaptive_random_forest.BaseTreeClassifier": (
        "_active_leaf_size_estimate:$number _growth_allowed:bool _inactive_leaf_size_estimate:$number _leaf_prediction:str "
        "_max_byte_size:$number _max_size:$number _n_active_leaves:int _n_inactive_leaves:int _root:$node|none "
        "_size_estimate_overhead_fraction:$number _split_criterion:str _train_weight_seen_by_model:$number binary_split:bool "
        "classes:set delta:$number grace_period:int max_depth:int max_features:int max_share_to_split:$number "
        "memory_estimate_period:int merit_preprune:bool min_branch_fraction:$number nb_threshold:int "
        "nominal_attributes:list|none remove_poor_attrs:bool rng:Random splitter:$splitter|none stop_mem_management:bool "
        "tau:$number"
    ),
    "river.forest.adaptive_random_forest.BaseTreeRegressor": (
        "_active_leaf_size_estimate:$number _growth_allowed:bool _inactive_leaf_size_estimate:$number _leaf_prediction:str "
        "_max_byte_size:$number _max_size:$number _n_active_leaves:$number _n_inactive_leaves:$number _root:$node "
        "_size_estimate_overhead_fraction:$number _split_criterion:str _train_weight_seen_by_model:$number binary_split:bool "
        "delta:$number grace_period:int leaf_model:$learner|none max_depth:int|none max_features:int memory_estimate_period:int "
        "merit_preprune:bool min_samples_split:int model_selector_decay:$number nominal_attributes:list|none "
        "remove_poor_attrs:bool rng:Random|none splitter:$splitter|none stop_mem_management:bool tau:$number"
    ),
    "river.forest.aggregated_mondrian_forest.AMFClassifier": (
        "_classes:set _rng:Random data:list dirichlet:$number loss:str max_nodes:int|none n_estimators:int seed:int|none "
        "split_pure:bool step:$number use_aggregation:bool"
    ),
    "river.forest.aggregated_mondrian_forest.AMFRegressor": (
        "_rng:Random data:list iteration:$number loss:str max_nodes:int|none n_estimators:int seed:int|none split_pure:bool "
        "step:$number use_aggregation:bool"
    ),
    "river.forest.online_extra_trees.ETRegressor": (
        "_active_leaf_size_estimate:$number _growth_allowed:bool _inactive_leaf_size_estimate:$number _leaf_prediction:str "
        "_max_byte_size:$number _max_size:$number _n_active_leaves:$number _n_inactive_leaves:$number _rng:Random "
        "_root:$node|none _size_estimate_overhead_fraction:$number _split_criterion:str _train_weight_seen_by_model:$number "
        "binary_split:bool delta:$number grace_period:int leaf_model:$learner max_depth:int max_features:int "
        "memory_estimate_period:int merit_preprune:bool min_samples_split:int model_selector_decay:$number "
        "nominal_attributes:list|none remove_poor_attrs:bool seed:int split_buffer_size:int "
        "splitter:random_splitter.RegRandomSplitter stop_mem_management:bool tau:$number"
    ),
    "river.forest.online_extra_trees.OXTRegressor": (
        "_background_trees:dict _detect:function _drift_detectors:dict _n_drifts:Counter _n_tree_swaps:Counter "
        "_n_warnings:Counter _perf_sum:$number _perfs:list _rng:Random _sample_counter:Counter _total_instances:$number "
        "_warn_detectors:dict _weight_sampler:online_extra_trees.SubBaggingSampler binary_split:bool data:list delta:$number "
        "detection_mode:str disable_weighted_vote:bool drift_detector:$detector|none grace_period:int leaf_model:none "
        "leaf_prediction:str max_depth:int|none max_features:int|str max_size:int memory_estimate_period:int "
        "merit_preprune:bool min_samples_split:int model_selector_decay:$number n_models:int nominal_attributes:list|none "
        "randomize_tree_depth:bool remove_poor_attrs:bool resampling_rate:$number resampling_strategy:str seed:int|none "
        "split_buffer_size:int stop_mem_management:bool tau:$number track_metric:$metric|none warning_detector:$detector|none"
    ),
    "river.forest.online_extra_trees.SubBaggingSampler": "",
    "river.imblearn.chebyshev.ChebyshevOverSampler": "_var:var.Var regressor:$learner",
    "river.imblearn.chebyshev.ChebyshevUnderSampler": (
        "_freq_c:$number _rare_c:$number _rng:Random _var:var.Var regressor:$learner seed:int|none sp:$number"
    ),
    "river.linear_model.ad_predictor.AdPredictor": ("beta:$number epsilon:$number means:dict prior_probability:$number variances:dict"),
    "river.linear_model.alma.ALMAClassifier": "B:$number C:$number alpha:$number k:$number p:int w:defaultdict",
    "river.linear_model.lin_reg.LinearRegression": (
        "_weights:vectordict.VectorDict _y_name:none|str clip_gradient:$number initializer:$initializer intercept:$number "
        "intercept_init:$number intercept_lr:$scheduler l1:$number l2:$number loss:$loss optimizer:$optimizer"
    ),
    "river.linear_model.log_reg.LogisticRegression": (
        "_weights:vectordict.VectorDict _y_name:none|str clip_gradient:$number initializer:$initializer intercept:$number "
        "intercept_init:$number intercept_lr:$scheduler l1:$number l2:$number loss:$loss optimizer:$optimizer"
    ),
    "river.linear_model.pa.PAClassifier": (
        "C:$number calc_tau:method intercept:$number learn_intercept:bool loss:losses.Hinge mode:int weights:defaultdict"
    ),
    "river.linear_model.pa.PARegressor": (
        "C:$number calc_tau:method eps:$number intercept:$number|numpy.float64 learn_intercept:bool "
        "loss:losses.EpsilonInsensitiveHinge mode:int weights:defaultdict"
    ),
    "river.linear_model.perceptron.Perceptron": (
        "_weights:vectordict.VectorDict _y_name:none clip_gradient:$number initializer:$initializer|none intercept:$number "
        "intercept_init:$number intercept_lr:schedulers.Constant l1:$number l2:$number loss:losses.Hinge optimizer:sgd.SGD"
    ),
    "river.linear_model.softmax.SoftmaxRegression": (
        "l2:$number loss:$loss|none optimizer:$optimizer|none optimizers:defaultdict weights:defaultdict"
    ),
    "river.metrics.accuracy.Accuracy": "cm:confusion.ConfusionMatrix",
    "river.metrics.balanced_accuracy.BalancedAccuracy": "cm:confusion.ConfusionMatrix|none",
    "river.metrics.confusion.ConfusionMatrix": (
        "_init_classes:set _total_true_positives:$number data:defaultdict n_samples:int sum_col:defaultdict sum_row:defaultdict "
        "total_weight:$number"
    ),
    "river.metrics.cross_entropy.CrossEntropy": "_mean:mean.Mean",
    "river.metrics.fbeta.F1": (
        "_requires_labels:bool beta:$number cm:confusion.ConfusionMatrix pos_val:$scalar precision:precision.Precision recall:recall.Recall"
    ),
    "river.metrics.fbeta.FBeta": (
        "_requires_labels:bool beta:$number cm:confusion.ConfusionMatrix|none pos_val:bool precision:precision.Precision "
        "recall:recall.Recall"
    ),
    "river.metrics.fbeta.MacroF1": "beta:$number cm:confusion.ConfusionMatrix|none",
    "river.metrics.fbeta.MicroF1": (
        "beta:$number cm:confusion.ConfusionMatrix|none precision:precision.MicroPrecision recall:recall.MicroRecall"
    ),
    "river.metrics.fbeta.WeightedF1": "beta:$number cm:confusion.ConfusionMatrix|none",
    "river.metrics.geometric_mean.GeometricMean": "cm:confusion.ConfusionMatrix|none",
    "river.metrics.jaccard.Jaccard": "_requires_labels:bool cm:confusion.ConfusionMatrix|none pos_val:bool",
    "river.metrics.kappa.CohenKappa": "cm:confusion.ConfusionMatrix|none",
    "river.metrics.log_loss.LogLoss": "_mean:mean.Mean",
    "river.metrics.mae.MAE": "_mean:mean.Mean",
    "river.metrics.mape.MAPE": "_mean:mean.Mean",
    "river.metrics.mcc.MCC": "_requires_labels:bool cm:confusion.ConfusionMatrix|none pos_val:bool",
    "river.metrics.mse.MSE": "_mean:mean.Mean",
    "river.metrics.mse.RMSE": "_mean:mean.Mean",
    "river.metrics.mse.RMSLE": "_mean:mean.Mean",
    "river.metrics.precision.MacroPrecision": "cm:confusion.ConfusionMatrix|none",
    "river.metrics.precision.MicroPrecision": "cm:confusion.ConfusionMatrix|none",
    "river.metrics.precision.Precision": "_requires_labels:bool cm:confusion.ConfusionMatrix pos_val:$scalar",
    "river.metrics.r2.R2": "_residual_sum_of_squares:$number _total_sum_of_squares:$number _y_var:var.Var",
    "river.metrics.recall.MacroRecall": "cm:confusion.ConfusionMatrix|none",
    "river.metrics.recall.MicroRecall": "cm:confusion.ConfusionMatrix|none",
    "river.metrics.recall.Recall": "_requires_labels:bool cm:confusion.ConfusionMatrix pos_val:$scalar",
    "river.metrics.roc_auc.ROCAUC": "cms:list n_thresholds:int pos_val:$scalar thresholds:list",
    "river.metrics.rolling_pr_auc.RollingPRAUC": (
        "_buf_labels:list _buf_scores:list _metric:stats.RsRollingPRAUC pos_val:bool window_size:int"
    ),
    "river.metrics.rolling_roc_auc.RollingROCAUC": (
        "_buf_labels:list _buf_scores:list _metric:stats.RsRollingROCAUC pos_val:bool window_size:int"
    ),
    "river.metrics.smape.SMAPE": "_mean:mean.Mean",
    "river.model_selection.bandit.BanditClassifier": "data:list metric:$metric policy:epsilon_greedy.EpsilonGreedy|exp3.Exp3",
    "river.model_selection.bandit.BanditRegressor": "data:list metric:$metric policy:ucb.UCB",
    "river.model_selection.greedy.GreedyRegressor": ("_best_metric:$metric _best_model:none data:list metric:$metric|none metrics:list"),
    "river.model_selection.sh.SuccessiveHalvingClassifier": (
        "_best_model_idx:$number _budget_used:$number _metrics:list _n:$number _n_iterations:$number _n_rungs:$number "
        "_r:$number _rankings:list _s:$number budget:int data:list eta:int metric:$metric print_kwargs:dict verbose:bool"
    ),
    "river.model_selection.sh.SuccessiveHalvingRegressor": (
        "_best_model_idx:$number _budget_used:$number _metrics:list _n:$number _n_iterations:$number _n_rungs:$number "
        "_r:$number _rankings:list _s:$number budget:int data:list eta:int metric:$metric print_kwargs:dict verbose:bool"
    ),
    "river.multiclass.occ.OutputCodeClassifier": (
        "_integers?:list_iterator _rng:Random classifier:$learner classifiers:dict code_book:defaultdict code_size:int "
        "coding_method:str seed:int|none"
    ),
    "river.multiclass.ovo.OneVsOneClassifier": "classes:ordered.OrderedSet|set classifier:$learner classifiers:defaultdict",
    "river.multiclass.ovr.OneVsRestClassifier": "_y_name:none classifier:$learner classifiers:dict",
    "river.naive_bayes.bernoulli.BernoulliNB": ("alpha:$number class_counts:Counter feature_counts:defaultdict true_threshold:$number"),
    "river.naive_bayes.complement.ComplementNB": (
        "alpha:$number class_counts:Counter class_totals:Counter feature_counts:defaultdict feature_totals:Counter"
    ),
    "river.naive_bayes.gaussian.GaussianNB": "class_counts:Counter gaussians:defaultdict",
    "river.naive_bayes.multinomial.MultinomialNB": ("alpha:$number class_counts:Counter class_totals:Counter feature_counts:defaultdict"),
    "river.neighbors.knn_classifier.KNNClassifier": (
        "_cleanup_counter:$number _nn:lazy.LazySearch classes:set cleanup_every:int "
        "engine:lazy.LazySearch|none n_neighbors:int softmax:bool weighted:bool"
    ),
    "river.neighbors.knn_regressor.KNNRegressor": (
        "_nn:lazy.LazySearch aggregation_method:str engine:lazy.LazySearch|none n_neighbors:int"
    ),
    "river.neighbors.lazy.LazySearch": ("dist_func:builtin_function_or_method|none min_distance_keep:$number window:deque window_size:int"),
    "river.optim.ada_bound.AdaBound": (
        "base_lr:$number beta_1:$number beta_2:$number eps:$number final_lr:$number gamma:$number lr:$number|$scheduler "
        "m:defaultdict n_iterations:$number v:defaultdict"
    ),
    "river.optim.ada_delta.AdaDelta": ("eps:$number g2:defaultdict lr:schedulers.Constant n_iterations:$number rho:$number s2:defaultdict"),
    "river.optim.ada_grad.AdaGrad": "eps:$number g2:defaultdict lr:$scheduler n_iterations:int",
    "river.optim.ada_max.AdaMax": (
        "beta_1:$number beta_2:$number eps:$number lr:$number|$scheduler m:defaultdict n_iterations:$number u:defaultdict"
    ),
    "river.optim.adam.Adam": (
        "beta_1:$number beta_2:$number eps:$number lr:$scheduler m:defaultdict|none|vectordict.VectorDict n_iterations:int "
        "v:defaultdict|none|vectordict.VectorDict"
    ),
    "river.optim.ams_grad.AMSGrad": (
        "beta_1:$number beta_2:$number correct_bias:bool eps:$number lr:$number|$scheduler m:defaultdict n_iterations:$number "
        "v:defaultdict v_hat:defaultdict"
    ),
    "river.optim.average.Averager": "avg_w:defaultdict n_iterations:$number optimizer:$optimizer start:int",
    "river.optim.ftrl.FTRLProximal": ("alpha:$number beta:$number l1:$number l2:$number n:defaultdict n_iterations:$number z:defaultdict"),
    "river.optim.initializers.Constant": "value:$number",
    "river.optim.initializers.Normal": "_rng:mtrand.RandomState mu:$number seed:int|none sigma:$number",
    "river.optim.initializers.Zeros": "value:$number",
    "river.optim.losses.Absolute": "",
    "river.optim.losses.BinaryFocalLoss": "beta:$number gamma:$number",
    "river.optim.losses.Cauchy": "C:$number",
    "river.optim.losses.CrossEntropy": "class_weight:dict|none",
    "river.optim.losses.EpsilonInsensitiveHinge": "eps:$number",
    "river.optim.losses.Hinge": "threshold:$number",
    "river.optim.losses.Huber": "epsilon:$number",
    "river.optim.losses.Log": "weight_neg:$number weight_pos:$number",
    "river.optim.losses.Poisson": "",
    "river.optim.losses.Quantile": "alpha:$number",
    "river.optim.losses.Squared": "",
    "river.optim.momentum.Momentum": "lr:$number|$scheduler n_iterations:$number rho:$number s:defaultdict",
    "river.optim.nadam.Nadam": (
        "beta_1:$number beta_2:$number eps:$number lr:$number|$scheduler m:defaultdict n_iterations:$number v:defaultdict"
    ),
    "river.optim.nesterov.NesterovMomentum": "lr:$number|$scheduler n_iterations:$number rho:$number s:defaultdict",
    "river.optim.rms_prop.RMSProp": (
        "eps:$number g2:defaultdict|none|vectordict.VectorDict lr:$number|$scheduler n_iterations:$number rho:$number"
    ),
    "river.optim.schedulers.Constant": "learning_rate:$number",
    "river.optim.schedulers.InverseScaling": "learning_rate:$number power:$number",
    "river.optim.schedulers.Optimal": "alpha:$number loss:$loss t0:$number",
    "river.optim.sgd.SGD": "lr:$scheduler n_iterations:int",
    "river.preprocessing.feature_hasher.FeatureHasher": "_seed:$number alternate_sign:bool n_features:int seed:int|none",
    "river.preprocessing.one_hot.OneHotEncoder": ("_zero_dict:dict categories:none drop_first:bool drop_zeros:bool values:defaultdict"),
    "river.preprocessing.ordinal.OrdinalEncoder": (
        "_reserved_category_codes:tuple categories:none none_value:int unknown_value:int|none values:defaultdict"
    ),
    "river.preprocessing.pred_clipper.PredClipper": "regressor:$learner y_max:$number y_min:$number",
    "river.preprocessing.random_projection.GaussianRandomProjector": (
        "_projection_matrix:defaultdict _rng:Random n_components:int seed:int|none"
    ),
    "river.preprocessing.random_projection.SparseRandomProjector": (
        "_projection_matrix:defaultdict _rng:Random density:$number n_components:int seed:int|none"
    ),
    "river.preprocessing.scale.AdaptiveStandardScaler": "fading_factor:$number means:defaultdict vars:defaultdict",
    "river.preprocessing.scale.Binarizer": "dtype:type threshold:$number",
    "river.preprocessing.scale.MaxAbsScaler": "abs_max:defaultdict window_size:none",
    "river.preprocessing.scale.MinMaxScaler": "max:defaultdict min:defaultdict window_size:none",
    "river.preprocessing.scale.Normalizer": "order:int",
    "river.preprocessing.scale.RobustScaler": (
        "iqr:defaultdict median:defaultdict q_inf:$number q_sup:$number with_centering:bool with_scaling:bool"
    ),
    "river.preprocessing.scale.StandardScaler": ("counts:Counter means:defaultdict vars:defaultdict window_size:none with_std:bool"),
    "river.preprocessing.scale_target.TargetMinMaxScaler": (
        "func:method inverse_func:method max:maximum.Max min:minimum.Min regressor:$learner"
    ),
    "river.preprocessing.scale_target.TargetStandardScaler": "func:method inverse_func:method regressor:$learner var:var.Var",
    "river.proba.gaussian.Gaussian": "_rng?:Random _var:var.Var seed:int|none",
    "river.sketch.histogram.Bin": "count:int left:$number right:$number",
    "river.sketch.histogram.Histogram": "data:list max_bins:int n:$number",
    "river.stats.count.Count": "n:$number",
    "river.stats.cov.Cov": "cov:$number ddof:int mean_x:mean.Mean mean_y:mean.Mean",
    "river.stats.ewmean.EWMean": "_ewmean:stats.RsEWMean fading_factor:$number",
    "river.stats.ewvar.EWVar": "_ewvar:stats.RsEWVar fading_factor:$number",
    "river.stats.iqr.IQR": "_iqr:stats.RsIQR _is_updated:bool q_inf:$number q_sup:$number",
    "river.stats.kurtosis.Kurtosis": "_kurtosis:stats.RsKurtosis bias:bool",
    "river.stats.maximum.AbsMax": "abs_max:$number",
    "river.stats.maximum.Max": "max:$number|bool",
    "river.stats.mean.Mean": "_mean:$number n:$number",
    "river.stats.minimum.Min": "min:$number|bool",
    "river.stats.pearson.PearsonCorr": "cov_xy:cov.Cov var_x:var.Var var_y:var.Var",
    "river.stats.quantile.Quantile": "_is_updated:bool _quantile:stats.RsQuantile q:$number",
    "river.stats.skew.Skew": "_skew:stats.RsSkew bias:bool",
    "river.stats.summing.Sum": "sum:$number",
    "river.stats.var.Var": "_S:$number ddof:int mean:mean.Mean",
    "river.time_series.holt_winters.HoltWinters": (
        "_first_values:list _initialized:bool alpha:$number beta:$number|none gamma:$number|none "
        "level:holt_winters.AdditiveLevel|holt_winters.MultiplicativeLevel multiplicative:bool "
        "season:holt_winters.AdditiveSeason|holt_winters.MultiplicativeSeason|none seasonality:int "
        "trend:holt_winters.Trend|none"
    ),
    "river.time_series.snarimax.Differencer": "coeffs:dict d:int m:int",
    "river.time_series.snarimax.SNARIMAX": (
        "d:int differencer:snarimax.Differencer errors:deque m:int p:int q:int regressor:$learner|none sd:int sp:int sq:int "
        "y_diff:deque y_hist:deque"
    ),
    "river.tree.extremely_fast_decision_tree.ExtremelyFastDecisionTreeClassifier": (
        "_active_leaf_size_estimate:$number _growth_allowed:bool _inactive_leaf_size_estimate:$number _leaf_prediction:str "
        "_max_byte_size:$number _max_size:$number _n_active_leaves:$number _n_inactive_leaves:$number _root:$node|none "
        "_size_estimate_overhead_fraction:$number _split_criterion:str _train_weight_seen_by_model:$number binary_split:bool "
        "classes:set delta:$number grace_period:int max_depth:int|none max_share_to_split:$number memory_estimate_period:int "
        "merit_preprune:bool min_branch_fraction:$number min_samples_reevaluate:int nb_threshold:int "
        "nominal_attributes:list|none remove_poor_attrs:bool splitter:$splitter|none stop_mem_management:bool tau:$number"
    ),
    "river.tree.hoeffding_adaptive_tree_classifier.HoeffdingAdaptiveTreeClassifier": (
        "_active_leaf_size_estimate:$number _growth_allowed:bool _inactive_leaf_size_estimate:$number _leaf_prediction:str "
        "_max_byte_size:$number _max_size:$number _n_active_leaves:int _n_alternate_trees:int _n_inactive_leaves:int "
        "_n_pruned_alternate_trees:int _n_switch_alternate_trees:int _rng:Random _root:$node|none "
        "_size_estimate_overhead_fraction:$number _split_criterion:str _train_weight_seen_by_model:$number binary_split:bool "
        "bootstrap_sampling:bool classes:ordered.OrderedSet|set delta:$number drift_detector:$detector "
        "drift_window_threshold:int grace_period:int max_depth:int max_share_to_split:$number memory_estimate_period:int "
        "merit_preprune:bool min_branch_fraction:$number nb_threshold:int nominal_attributes:list|none remove_poor_attrs:bool "
        "seed:int|none splitter:$splitter|none stop_mem_management:bool switch_significance:$number tau:$number"
    ),
    "river.tree.hoeffding_adaptive_tree_regressor.HoeffdingAdaptiveTreeRegressor": (
        "_active_leaf_size_estimate:$number _growth_allowed:bool _inactive_leaf_size_estimate:$number _leaf_prediction:str "
        "_max_byte_size:$number _max_size:$number _n_active_leaves:$number _n_alternate_trees:$number "
        "_n_inactive_leaves:$number _n_pruned_alternate_trees:$number _n_switch_alternate_trees:$number "
        "_norm_dist:statistics.NormalDist _rng:Random _root:$node|none _size_estimate_overhead_fraction:$number "
        "_split_criterion:str _train_weight_seen_by_model:$number binary_split:bool bootstrap_sampling:bool delta:$number "
        "drift_detector:$detector|none drift_window_threshold:int grace_period:int leaf_model:$learner|none max_depth:int|none "
        "memory_estimate_period:int merit_preprune:bool min_samples_split:int model_selector_decay:$number "
        "nominal_attributes:list|none remove_poor_attrs:bool seed:int|none splitter:$splitter|none stop_mem_management:bool "
        "switch_significance:$number tau:$number"
    ),
    "river.tree.hoeffding_tree_classifier.HoeffdingTreeClassifier": (
        "_active_leaf_size_estimate:$number _growth_allowed:bool _inactive_leaf_size_estimate:$number _leaf_prediction:str "
        "_max_byte_size:$number _max_size:$number _n_active_leaves:int _n_inactive_leaves:int _root:$node|none "
        "_size_estimate_overhead_fraction:$number _split_criterion:str _train_weight_seen_by_model:$number binary_split:bool "
        "classes:set delta:$number grace_period:int max_depth:int max_share_to_split:$number memory_estimate_period:int "
        "merit_preprune:bool min_branch_fraction:$number nb_threshold:int nominal_attributes:list|none remove_poor_attrs:bool "
        "splitter:$splitter|exhaustive_splitter.ExhaustiveSplitter|histogram_splitter.HistogramSplitter|none "
        "stop_mem_management:bool tau:$number"
    ),
    "river.tree.hoeffding_tree_regressor.HoeffdingTreeRegressor": (
        "_active_leaf_size_estimate:$number _growth_allowed:bool _inactive_leaf_size_estimate:$number _leaf_prediction:str "
        "_max_byte_size:$number _max_size:$number _n_active_leaves:int _n_inactive_leaves:int _root:$node|none "
        "_size_estimate_overhead_fraction:$number _split_criterion:str _train_weight_seen_by_model:$number binary_split:bool "
        "delta:$number grace_period:int leaf_model:lin_reg.LinearRegression max_depth:int memory_estimate_period:int "
        "merit_preprune:bool min_samples_split:int model_selector_decay:$number nominal_attributes:list|none "
        "remove_poor_attrs:bool splitter:$splitter|none|qo_splitter.QOSplitter stop_mem_management:bool tau:$number"
    ),
    "river.tree.last_classifier.LASTClassifier": (
        "_active_leaf_size_estimate:$number _growth_allowed:bool _inactive_leaf_size_estimate:$number _leaf_prediction:str "
        "_max_byte_size:$number _max_size:$number _n_active_leaves:$number _n_inactive_leaves:$number "
        "_root:last_nodes.LeafMajorityClassWithDetector|last_nodes.LeafNaiveBayesAdaptiveWithDetector|none "
        "_size_estimate_overhead_fraction:$number _split_criterion:str _train_weight_seen_by_model:$number binary_split:bool "
        "change_detector:$detector|none classes:set delta:$number grace_period:$number max_depth:int|none "
        "max_share_to_split:$number memory_estimate_period:int merit_preprune:bool min_branch_fraction:$number nb_threshold:int "
        "nominal_attributes:list|none remove_poor_attrs:bool splitter:$splitter|none stop_mem_management:bool tau:$number "
        "track_error:bool"
    ),
    "river.tree.losses.BinaryCrossEntropyLoss": "",
    "river.tree.losses.SquaredErrorLoss": "",
    "river.tree.mondrian.mondrian_tree_classifier.MondrianTreeClassifier": (
        "_class_to_idx:dict _classes:set _idx_to_class:list _n_nodes:$number _rng:Random "
        "_root:mondrian_tree_nodes.MondrianBranchClassifier|mondrian_tree_nodes.MondrianLeafClassifier dirichlet:$number "
        "iteration:int loss:str max_nodes:int|none seed:int|none split_pure:bool step:$number use_aggregation:bool"
    ),
    "river.tree.mondrian.mondrian_tree_nodes.MondrianBranchClassifier": (
        "children:tuple counts:list depth:int feature:str log_weight_tree:$number memory_range_max:dict memory_range_min:dict "
        "n_samples:$number parent:$node|none threshold:$number time:$number weight:$number"
    ),
    "river.tree.mondrian.mondrian_tree_nodes.MondrianBranchRegressor": (
        "_mean:mean.Mean children:tuple depth:int feature:str log_weight_tree:$number memory_range_max:dict "
        "memory_range_min:dict n_samples:$number parent:$node|none threshold:$number time:$number weight:$number"
    ),
    "river.tree.mondrian.mondrian_tree_nodes.MondrianLeafClassifier": (
        "counts:list depth:int log_weight_tree:$number memory_range_max:dict memory_range_min:dict n_samples:$number "
        "parent:$node|none time:$number weight:$number"
    ),
    "river.tree.mondrian.mondrian_tree_nodes.MondrianLeafRegressor": (
        "_mean:mean.Mean depth:int log_weight_tree:$number memory_range_max:dict memory_range_min:dict n_samples:$number "
        "parent:$node|none time:$number weight:$number"
    ),
    "river.tree.mondrian.mondrian_tree_regressor.MondrianTreeRegressor": (
        "_n_nodes:$number _rng:Random "
        "_root:mondrian_tree_nodes.MondrianBranchRegressor|mondrian_tree_nodes.MondrianLeafRegressor _x:dict _y:$number "
        "iteration:int loss:str max_nodes:int|none seed:int|none step:$number use_aggregation:bool"
    ),
    "river.tree.nodes.arf_htc_nodes.RandomLeafMajorityClass": (
        "_disabled_attrs:set _last_split_attempt_at:$number depth:int feature_indices:list max_features:int rng:Random "
        "splitter:$splitter splitters:dict|none stats:dict"
    ),
    "river.tree.nodes.arf_htc_nodes.RandomLeafNaiveBayes": (
        "_disabled_attrs:set _last_split_attempt_at:$number depth:int feature_indices:list max_features:int rng:Random "
        "splitter:$splitter splitters:dict|none stats:dict"
    ),
    "river.tree.nodes.arf_htc_nodes.RandomLeafNaiveBayesAdaptive": (
        "_disabled_attrs:set _last_split_attempt_at:$number _mc_correct_weight:$number _nb_correct_weight:$number depth:int "
        "feature_indices:list max_features:int rng:Random splitter:$splitter splitters:dict|none stats:dict"
    ),
    "river.tree.nodes.arf_htr_nodes.RandomLeafAdaptive": (
        "_disabled_attrs:set _fmse_mean:$number _fmse_model:$number _last_split_attempt_at:$number "
        "_leaf_model:lin_reg.LinearRegression _model_supports_weights:bool depth:int feature_indices:list max_features:int "
        "rng:Random splitter:$splitter splitters:dict|none stats:$statistic"
    ),
    "river.tree.nodes.arf_htr_nodes.RandomLeafMean": (
        "_disabled_attrs:set _last_split_attempt_at:$number depth:int feature_indices:list max_features:int rng:Random "
        "splitter:$splitter splitters:dict|none stats:$statistic"
    ),
    "river.tree.nodes.arf_htr_nodes.RandomLeafModel": (
        "_disabled_attrs:set _last_split_attempt_at:$number _leaf_model:lin_reg.LinearRegression _model_supports_weights:bool "
        "depth:int feature_indices:list max_features:int rng:Random splitter:$splitter splitters:dict|none stats:$statistic"
    ),
    "river.tree.nodes.branch.NominalBinaryBranch": "children:list depth:int feature:int|str stats:dict|var.Var value:$scalar",
    "river.tree.nodes.branch.NominalMultiwayBranch": (
        "_mapping:dict _r_mapping:dict children:list depth:int feature:int|str stats:dict|var.Var"
    ),
    "river.tree.nodes.branch.NumericBinaryBranch": (
        "children:list depth:int feature:int|str stats:defaultdict|dict|var.Var threshold:$number"
    ),
    "river.tree.nodes.efdtc_nodes.EFDTLeafMajorityClass": (
        "_disabled_attrs:set _last_split_attempt_at:$number depth:int splitter:$splitter splitters:dict|none stats:dict"
    ),
    "river.tree.nodes.efdtc_nodes.EFDTLeafNaiveBayes": (
        "_disabled_attrs:set _last_split_attempt_at:$number depth:int splitter:$splitter splitters:dict|none stats:dict"
    ),
    "river.tree.nodes.efdtc_nodes.EFDTLeafNaiveBayesAdaptive": (
        "_disabled_attrs:set _last_split_attempt_at:$number _mc_correct_weight:$number _nb_correct_weight:$number depth:int "
        "splitter:$splitter splitters:dict|none stats:dict"
    ),
    "river.tree.nodes.efdtc_nodes.EFDTNominalBinaryBranch": (
        "_disabled_attrs:set _last_split_reevaluation_at:$number children:list depth:int feature:str "
        "splitter:gaussian_splitter.GaussianSplitter splitters:dict stats:dict value:str"
    ),
    "river.tree.nodes.efdtc_nodes.EFDTNominalMultiwayBranch": (
        "_disabled_attrs:set _last_split_reevaluation_at:$number _mapping:dict _r_mapping:dict children:list depth:int "
        "feature:str splitter:$splitter splitters:dict stats:dict"
    ),
    "river.tree.nodes.efdtc_nodes.EFDTNumericBinaryBranch": (
        "_disabled_attrs:set _last_split_reevaluation_at:$number children:list depth:int feature:str splitter:$splitter "
        "splitters:dict stats:dict threshold:$number"
    ),
    "river.tree.nodes.hatc_nodes.AdaLeafClassifier": (
        "_disabled_attrs:set _last_split_attempt_at:$number _mc_correct_weight:$number _mean_error:mean.Mean "
        "_nb_correct_weight:$number depth:int drift_detector:$detector rng:Random splitter:$splitter splitters:dict|none "
        "stats:dict"
    ),
    "river.tree.nodes.hatc_nodes.AdaNomBinaryBranchClass": (
        "_alternate_tree:$node|none _mean_error:mean.Mean children:list depth:int drift_detector:$detector feature:int|str "
        "stats:dict|var.Var value:$scalar"
    ),
    "river.tree.nodes.hatc_nodes.AdaNomMultiwayBranchClass": (
        "_alternate_tree:$node|none _mapping:dict _mean_error:mean.Mean _r_mapping:dict children:list depth:int "
        "drift_detector:$detector feature:int|str stats:dict|var.Var"
    ),
    "river.tree.nodes.hatc_nodes.AdaNumBinaryBranchClass": (
        "_alternate_tree:$node|none _mean_error:mean.Mean children:list depth:int drift_detector:$detector feature:int|str "
        "stats:dict|var.Var threshold:$number"
    ),
    "river.tree.nodes.hatr_nodes.AdaLeafRegAdaptive": (
        "_disabled_attrs:set _error_tracker:var.Var _fmse_mean:$number _fmse_model:$number _last_split_attempt_at:$number "
        "_leaf_model:lin_reg.LinearRegression _model_supports_weights:bool depth:int drift_detector:$detector rng:Random "
        "splitter:$splitter splitters:dict|none stats:$statistic"
    ),
    "river.tree.nodes.hatr_nodes.AdaLeafRegMean": (
        "_disabled_attrs:set _error_tracker:var.Var _last_split_attempt_at:$number depth:int drift_detector:$detector "
        "rng:Random splitter:$splitter splitters:dict|none stats:$statistic"
    ),
    "river.tree.nodes.hatr_nodes.AdaLeafRegModel": (
        "_disabled_attrs:set _error_tracker:var.Var _last_split_attempt_at:$number _leaf_model:lin_reg.LinearRegression "
        "_model_supports_weights:bool depth:int drift_detector:$detector rng:Random splitter:$splitter splitters:dict|none "
        "stats:$statistic"
    ),
    "river.tree.nodes.hatr_nodes.AdaNumBinaryBranchReg": (
        "_alternate_tree:hatr_nodes.AdaLeafRegAdaptive|none _error_tracker:var.Var children:list depth:int "
        "drift_detector:$detector feature:str stats:$statistic threshold:$number"
    ),
    "river.tree.nodes.htc_nodes.LeafMajorityClass": (
        "_disabled_attrs:set _last_split_attempt_at:$number depth:int splitter:$splitter|exhaustive_splitter.ExhaustiveSplitter "
        "splitters:dict|none stats:dict"
    ),
    "river.tree.nodes.htc_nodes.LeafNaiveBayes": (
        "_disabled_attrs:set _last_split_attempt_at:$number depth:int splitter:$splitter splitters:dict|none stats:dict"
    ),
    "river.tree.nodes.htc_nodes.LeafNaiveBayesAdaptive": (
        "_disabled_attrs:set _last_split_attempt_at:$number _mc_correct_weight:$number _nb_correct_weight:$number depth:int "
        "splitter:$splitter|histogram_splitter.HistogramSplitter splitters:dict|none stats:dict"
    ),
    "river.tree.nodes.htr_nodes.LeafAdaptive": (
        "_disabled_attrs:set _fmse_mean:$number _fmse_model:$number _last_split_attempt_at:$number "
        "_leaf_model:lin_reg.LinearRegression _model_supports_weights:bool depth:int "
        "splitter:$splitter|qo_splitter.QOSplitter|random_splitter.RegRandomSplitter splitters:dict|none stats:var.Var"
    ),
    "river.tree.nodes.htr_nodes.LeafMean": (
        "_disabled_attrs:set _last_split_attempt_at:$number depth:int splitter:$splitter splitters:dict|none stats:var.Var"
    ),
    "river.tree.nodes.htr_nodes.LeafModel": (
        "_disabled_attrs:set _last_split_attempt_at:$number _leaf_model:lin_reg.LinearRegression _model_supports_weights:bool "
        "depth:int splitter:$splitter splitters:dict|none stats:var.Var"
    ),
    "river.tree.nodes.last_nodes.LeafMajorityClassWithDetector": (
        "_disabled_attrs:set _last_split_attempt_at:$number change_detector:$detector depth:int split_criterion:none "
        "splitter:$splitter splitters:dict stats:dict"
    ),
    "river.tree.nodes.last_nodes.LeafNaiveBayesAdaptiveWithDetector": (
        "_disabled_attrs:set _last_split_attempt_at:$number _mc_correct_weight:$number _nb_correct_weight:$number "
        "change_detector:$detector depth:int split_criterion:info_gain_split_criterion.InfoGainSplitCriterion|none "
        "splitter:$splitter splitters:dict stats:dict"
    ),
    "river.tree.nodes.sgt_nodes.SGTLeaf": (
        "_prediction:$number _split_stats:dict _update_stats:utils.GradHessStats depth:int last_split_attempt_at:$number "
        "split_params:defaultdict|none"
    ),
    "river.tree.padded.PaddedBranch": "children:tuple feature:str l_mass:int r_mass:int threshold:$number",
    "river.tree.padded.PaddedLeaf": "l_mass:$number r_mass:$number",
    "river.tree.split_criterion.info_gain_split_criterion.InfoGainSplitCriterion": "min_branch_fraction:$number",
    "river.tree.splitter.ebst_splitter.EBSTNode": (
        "_left:ebst_splitter.EBSTNode|none _right:ebst_splitter.EBSTNode|none _update_estimator:function att_val:$number|bool "
        "estimator:var.Var"
    ),
    "river.tree.splitter.ebst_splitter.EBSTSplitter": "_root:ebst_splitter.EBSTNode|none",
    "river.tree.splitter.exhaustive_splitter.ExhaustiveNode": (
        "_left:exhaustive_splitter.ExhaustiveNode|none _right:exhaustive_splitter.ExhaustiveNode|none "
        "class_count_left:defaultdict class_count_right:defaultdict cut_point:$number"
    ),
    "river.tree.splitter.exhaustive_splitter.ExhaustiveSplitter": "_root:exhaustive_splitter.ExhaustiveNode|none",
    "river.tree.splitter.gaussian_splitter.GaussianSplitter": (
        "_att_dist_per_class:dict _max_per_class:dict _min_per_class:dict n_splits:int"
    ),
    "river.tree.splitter.histogram_splitter.HistogramSplitter": "hists:defaultdict n_bins:int n_splits:int",
    "river.tree.splitter.nominal_splitter_classif.NominalSplitterClassif": (
        "_att_dist_per_class:defaultdict _att_values:set _missing_weight_observed:$number _total_weight_observed:$number"
    ),
    "river.tree.splitter.nominal_splitter_reg.NominalSplitterReg": "_statistics:dict _update_estimator:function",
    "river.tree.splitter.qo_splitter.FeatureQuantizer": "hash:dict radius:$number",
    "river.tree.splitter.qo_splitter.QOSplitter": ("_quantizer:qo_splitter.FeatureQuantizer allow_multiway_splits:bool radius:$number"),
    "river.tree.splitter.qo_splitter.Slot": "_update_estimator:method is_single_target:bool x_stats:mean.Mean y_stats:var.Var",
    "river.tree.splitter.random_splitter.RegRandomSplitter": (
        "_buffer:list|none _rng:Random buffer_size:int seed:int stats:dict threshold:$number|none"
    ),
    "river.tree.splitter.sgt_quantizer.DynamicQuantizer": "feat_var:var.Var hash:dict radius:$number std_prop:$number",
    "river.tree.splitter.sgt_quantizer.StaticQuantizer": (
        "_buffer:list|none _min:$number|none _radius:$number|none buckets:list|none n_bins:int warm_start:int"
    ),
    "river.tree.splitter.tebst_splitter.TEBSTSplitter": "_root:ebst_splitter.EBSTNode|none digits:int",
    "river.tree.stochastic_gradient_tree.SGTClassifier": (
        "_n_node_updates:$number _n_observations:$number _n_splits:$number _root:branch.NumericBinaryBranch|sgt_nodes.SGTLeaf "
        "_split_features:set delta:$number feature_quantizer:none|sgt_quantizer.DynamicQuantizer|sgt_quantizer.StaticQuantizer "
        "gamma:$number grace_period:int init_pred:$number lambda_value:$number loss_func:losses.BinaryCrossEntropyLoss "
        "max_depth:int|none nominal_attributes:list|none|set"
    ),
    "river.tree.stochastic_gradient_tree.SGTRegressor": (
        "_n_node_updates:$number _n_observations:$number _n_splits:$number _root:branch.NumericBinaryBranch|sgt_nodes.SGTLeaf "
        "_split_features:set delta:$number feature_quantizer:none|sgt_quantizer.DynamicQuantizer|sgt_quantizer.StaticQuantizer "
        "gamma:$number grace_period:int init_pred:$number lambda_value:$number loss_func:losses.SquaredErrorLoss "
        "max_depth:int|none nominal_attributes:list|none|set"
    ),
    "river.tree.utils.GradHess": "gradient:$number hessian:$number",
    "river.tree.utils.GradHessStats": "g_var:var.Var gh_cov:cov.Cov h_var:var.Var",
    "river.utils.rolling.Rolling": "_window_size:$number obj:gaussian.Gaussian|mean.Mean window:deque",
}
GROUPS: Mapping[str, str] = {
    "$detector": (
        "adwin.ADWIN ddm.DDM eddm.EDDM fhddm.FHDDM hddm_a.HDDMA hddm_w.HDDMW kswin.KSWIN no_drift.NoDrift page_hinkley.PageHinkley"
    ),
    "$initializer": "initializers.Constant initializers.Normal initializers.Zeros",
    "$learner": (
        "ad_predictor.AdPredictor adaptive_random_forest.ARFClassifier adaptive_random_forest.ARFRegressor "
        "adaptive_random_forest.BaseTreeClassifier adaptive_random_forest.BaseTreeRegressor "
        "aggregated_mondrian_forest.AMFClassifier aggregated_mondrian_forest.AMFRegressor alma.ALMAClassifier "
        "bagging.ADWINBaggingClassifier bagging.BaggingClassifier bagging.BaggingRegressor bagging.LeveragingBaggingClassifier "
        "bandit.BanditClassifier bandit.BanditRegressor bernoulli.BernoulliNB boosting.ADWINBoostingClassifier "
        "boosting.AdaBoostClassifier boosting.BOLEClassifier chebyshev.ChebyshevOverSampler chebyshev.ChebyshevUnderSampler "
        "complement.ComplementNB dummy.NoChangeClassifier dummy.PriorClassifier dummy.StatisticRegressor ewa.EWARegressor "
        "extremely_fast_decision_tree.ExtremelyFastDecisionTreeClassifier fm.FMClassifier fm.FMRegressor gaussian.GaussianNB "
        "gaussian.GaussianScorer greedy.GreedyRegressor hoeffding_adaptive_tree_classifier.HoeffdingAdaptiveTreeClassifier "
        "hoeffding_adaptive_tree_regressor.HoeffdingAdaptiveTreeRegressor hoeffding_tree_classifier.HoeffdingTreeClassifier "
        "hoeffding_tree_regressor.HoeffdingTreeRegressor hst.HalfSpaceTrees knn_classifier.KNNClassifier "
        "knn_regressor.KNNRegressor last_classifier.LASTClassifier lin_reg.LinearRegression loda.LODA "
        "log_reg.LogisticRegression mondrian_tree_classifier.MondrianTreeClassifier "
        "mondrian_tree_regressor.MondrianTreeRegressor multinomial.MultinomialNB occ.OutputCodeClassifier "
        "online_extra_trees.ETRegressor online_extra_trees.OXTRegressor ovo.OneVsOneClassifier ovr.OneVsRestClassifier "
        "pa.PAClassifier pa.PARegressor pad.PredictiveAnomalyDetection perceptron.Perceptron pipeline.Pipeline "
        "pred_clipper.PredClipper retrain.DriftRetrainingClassifier sad.StandardAbsoluteDeviation "
        "scale_target.TargetMinMaxScaler scale_target.TargetStandardScaler sh.SuccessiveHalvingClassifier "
        "sh.SuccessiveHalvingRegressor softmax.SoftmaxRegression stacking.StackingClassifier "
        "stochastic_gradient_tree.SGTClassifier stochastic_gradient_tree.SGTRegressor streaming_random_patches.SRPClassifier "
        "streaming_random_patches.SRPRegressor svm.OneClassSVM voting.VotingClassifier"
    ),
    "$loss": (
        "losses.Absolute losses.BinaryFocalLoss losses.Cauchy losses.CrossEntropy losses.EpsilonInsensitiveHinge losses.Hinge "
        "losses.Huber losses.Log losses.Poisson losses.Quantile losses.Squared"
    ),
    "$metric": (
        "accuracy.Accuracy balanced_accuracy.BalancedAccuracy cross_entropy.CrossEntropy fbeta.F1 fbeta.FBeta fbeta.MacroF1 "
        "fbeta.MicroF1 fbeta.WeightedF1 geometric_mean.GeometricMean jaccard.Jaccard kappa.CohenKappa log_loss.LogLoss mae.MAE "
        "mape.MAPE mcc.MCC mse.MSE mse.RMSE mse.RMSLE precision.MacroPrecision precision.MicroPrecision precision.Precision "
        "r2.R2 recall.MacroRecall recall.MicroRecall recall.Recall roc_auc.ROCAUC rolling_pr_auc.RollingPRAUC "
        "rolling_roc_auc.RollingROCAUC smape.SMAPE"
    ),
    "$node": (
        "arf_htc_nodes.RandomLeafMajorityClass arf_htc_nodes.RandomLeafNaiveBayes arf_htc_nodes.RandomLeafNaiveBayesAdaptive "
        "arf_htr_nodes.RandomLeafAdaptive arf_htr_nodes.RandomLeafMean arf_htr_nodes.RandomLeafModel branch.NominalBinaryBranch "
        "branch.NominalMultiwayBranch branch.NumericBinaryBranch efdtc_nodes.EFDTLeafMajorityClass "
        "efdtc_nodes.EFDTLeafNaiveBayes efdtc_nodes.EFDTLeafNaiveBayesAdaptive efdtc_nodes.EFDTNominalBinaryBranch "
        "efdtc_nodes.EFDTNominalMultiwayBranch efdtc_nodes.EFDTNumericBinaryBranch hatc_nodes.AdaLeafClassifier "
        "hatc_nodes.AdaNomBinaryBranchClass hatc_nodes.AdaNomMultiwayBranchClass hatc_nodes.AdaNumBinaryBranchClass "
        "hatr_nodes.AdaLeafRegAdaptive hatr_nodes.AdaLeafRegMean hatr_nodes.AdaLeafRegModel hatr_nodes.AdaNumBinaryBranchReg "
        "htc_nodes.LeafMajorityClass htc_nodes.LeafNaiveBayes htc_nodes.LeafNaiveBayesAdaptive htr_nodes.LeafAdaptive "
        "htr_nodes.LeafMean htr_nodes.LeafModel last_nodes.LeafMajorityClassWithDetector "
        "last_nodes.LeafNaiveBayesAdaptiveWithDetector mondrian_tree_nodes.MondrianBranchClassifier "
        "mondrian_tree_nodes.MondrianBranchRegressor mondrian_tree_nodes.MondrianLeafClassifier "
        "mondrian_tree_nodes.MondrianLeafRegressor padded.PaddedBranch padded.PaddedLeaf sgt_nodes.SGTLeaf"
    ),
    "$number": "float int",
    "$optimizer": (
        "ada_bound.AdaBound ada_delta.AdaDelta ada_grad.AdaGrad ada_max.AdaMax adam.Adam ams_grad.AMSGrad average.Averager "
        "ftrl.FTRLProximal momentum.Momentum nadam.Nadam nesterov.NesterovMomentum rms_prop.RMSProp sgd.SGD"
    ),
    "$scalar": "bool float int str",
    "$scheduler": "schedulers.Constant schedulers.InverseScaling schedulers.Optimal",
    "$splitter": (
        "ebst_splitter.EBSTSplitter exhaustive_splitter.ExhaustiveSplitter gaussian_splitter.GaussianSplitter "
        "histogram_splitter.HistogramSplitter nominal_splitter_classif.NominalSplitterClassif "
        "nominal_splitter_reg.NominalSplitterReg qo_splitter.QOSplitter random_splitter.RegRandomSplitter "
        "tebst_splitter.TEBSTSplitter"
    ),
    "$statistic": (
        "count.Count cov.Cov ewmean.EWMean ewvar.EWVar iqr.IQR kurtosis.Kurtosis maximum.AbsMax maximum.Max mean.Mean "
        "minimum.Min pearson.PearsonCorr quantile.Quantile skew.Skew summing.Sum var.Var"
    ),
}
