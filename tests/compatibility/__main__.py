"""The differential test at length: `python -m tests.compatibility` prints how often each answer came, and why they differ."""

import argparse
import json
import sys
from collections import Counter

from tests.compatibility.judge import judge
from tests.compatibility.pairs import pair


def main() -> int:
    """The exit code: 1 if a difference has no reason."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--from", dest="first", type=int, default=0)
    wanted = parser.parse_args()
    answers: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    unexplained = []
    for seed in range(wanted.first, wanted.first + wanted.pairs):
        verdict = judge(*pair(seed))
        answers[" ".join("yes" if each else "no" for each in (verdict.ours, verdict.avro, verdict.fastavro))] += 1
        reasons.update(str(why) for why in verdict.why)
        if None in verdict.why:
            unexplained.append(seed)
    print(_table("ours avro fastavro", answers), _table("why they differ", reasons), sep="\n\n")
    for seed in unexplained[:10]:
        print(f"\nseed {seed} is not explained:", *(json.dumps(schema) for schema in pair(seed)), sep="\n  ")
    return 1 if unexplained else 0


def _table(title: str, counts: Counter[str]) -> str:
    return "\n".join([title, *(f"{count:8,} {name}" for name, count in counts.most_common())])


if __name__ == "__main__":
    sys.exit(main())
