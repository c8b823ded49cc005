"""Folds: every stateful worker is a pure function of a log, driven by one runner."""
