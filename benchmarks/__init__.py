"""Figures of speed: a file a benchmark, each says what it measures and what it does not; `python -m benchmarks --list`."""
