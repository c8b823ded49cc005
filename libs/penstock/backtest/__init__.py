"""Backtests: what other learners and policies would have made of a learning log, beside what really ran. Nothing live is touched."""
