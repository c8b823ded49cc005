"""The trainer: folds learning logs; every live version predicts, is scored and learns there, and nowhere else."""

from penstock.process import Card

CARD = Card(
    name="trainer",
    consumes=("learning.*", "drift", "registry"),
    produces=("learning.*", "outcomes.*", "dlq.learning.*", "dlq.drift", "dlq.registry"),
    owns=("snapshots", "the learners of every living version"),
)
