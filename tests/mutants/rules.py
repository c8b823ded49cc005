"""The rules of the design that the suite must defend, and which mutants attack each."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.patches import Mutant

FILE = Path(__file__).with_name("rules.toml")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule in a few words; `no_mutant_because` says why none can break it yet."""

    id: str
    words: str
    no_mutant_because: str = ""


def parse(text: str) -> dict[str, Rule]:
    """Read rules: one table for each part of the design, and `no_mutant` with a reason for each rule that has none."""
    tables: Mapping[str, Mapping[str, str]] = tomllib.loads(text)
    reasons = tables.get("no_mutant", {})
    words = {id: each for part, rules in tables.items() if part != "no_mutant" for id, each in rules.items()}
    if unknown := reasons.keys() - words.keys():
        raise ValueError(f"no_mutant names what is no rule: {', '.join(sorted(unknown))}")
    return {id: Rule(id, each, reasons.get(id, "")) for id, each in words.items()}


def load(file: Path = FILE) -> dict[str, Rule]:
    """The rules of rules.toml by id."""
    return parse(file.read_text())


def gaps(rules: Mapping[str, Rule], mutants: Sequence[Mutant]) -> list[str]:
    """What is missing or too much between rules and mutants, a line each; empty when every rule is attacked."""
    return [*_unknown(rules, mutants), *_unattacked(rules.values(), {mutant.rule for mutant in mutants})]


def _unknown(rules: Mapping[str, Rule], mutants: Iterable[Mutant]) -> list[str]:
    return [f"{mutant.name}: there is no rule {mutant.rule} in rules.toml" for mutant in mutants if mutant.rule not in rules]


def _unattacked(rules: Iterable[Rule], attacked: set[str]) -> list[str]:
    found = []
    for rule in rules:
        if rule.id not in attacked and not rule.no_mutant_because:
            found.append(f"{rule.id}: no mutant breaks it ({rule.words})")
        if rule.id in attacked and rule.no_mutant_because:
            found.append(f"{rule.id}: has a mutant and a reason why it has none")
    return found
