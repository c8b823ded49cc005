"""What somebody asks a rewind to be: checked against the living fold before anything is written."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from penstock.errors import UsageError
from penstock.fold.protocol import Refold
from penstock.records import Cut, Rewound
from penstock.rpc import Refused
from penstock_trainer.fold import TrainerFold
from penstock_trainer.rewind import CUT_RECORDS_MAX, Rewind

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """A rewind that can be done: from where, without what, of a log that ends at `end`. No spans: everything from `to` on."""

    to: int
    without: tuple[Span, ...]
    end: int

    @property
    def spans(self) -> tuple[Span, ...]:
        """What is cut, were the command the next record of the log."""
        return self.without or ((self.to, self.end),)

    def record(self, reason: str, now_ms: int) -> Rewound:
        """The command; its cause says what it cuts."""
        named = "+".join(f"{start}:{end}" for start, end in self.without) or f"{self.to}:"
        cuts = [Cut(start=start, end=end) for start, end in self.without]
        cause = f"rewind:{named}:{uuid.uuid4().hex[:8]}"
        return {"event_time_ms": now_ms, "cause": cause, "to": self.to, "cuts": cuts, "reason": reason}

    def refold(self, fold: TrainerFold) -> Refold:
        """What the fold would ask for, were the command the next record of its log."""
        rewind = Rewind(self.end, "", self.spans, {}, fold.selection.champion, fold.selection.serving)
        return fold.rewinds.ask(rewind, self.to, ())


def planned(fold: TrainerFold, to: int, without: Sequence[Span]) -> Plan:
    """The plan of a rewind. Raises: UsageError for what makes no sense; Refused while it cannot be done."""
    if fold.refolding:
        raise Refused(
            f"{fold.name} is being folded again: {fold.chain.position:,} of {fold.rewinds.until:,} records are folded. Try: when it is done"
        )
    if not fold.cohort.versions:
        raise Refused(f"{fold.name} has no specification in its log yet, so nothing was learned. Try: penstock apply")
    plan = Plan(to, tuple(sorted(without)), fold.chain.position)
    _check_to(fold, plan)
    for span in plan.without:
        _check_span(fold, plan, *span)
    records = sum(end - start for start, end in plan.spans)
    if records > CUT_RECORDS_MAX:
        raise UsageError(
            f"{records:,} records are to be cut, and one rewind cuts at most {CUT_RECORDS_MAX:,}. Try: several, the last part first"
        )
    return plan


def _check_to(fold: TrainerFold, plan: Plan) -> None:
    first = min(version.born_position for version in fold.cohort.versions.values())
    if plan.to < first:
        raise UsageError(
            f"--to {plan.to} stands before the first specification of {fold.name}, at offset {first - 1}: there is no model to go back to. "
            f"Try: --to {first}"
        )
    if plan.to >= plan.end:
        raise UsageError(
            f"--to {plan.to} stands beyond the end of the learning log of {fold.name}: what is folded ends at offset {plan.end - 1}. "
            f"Try: a position from {first} to {plan.end - 1}"
        )


def _check_span(fold: TrainerFold, plan: Plan, start: int, end: int) -> None:
    asked = f"--without {start}:{end}"
    if start >= end:
        raise UsageError(
            f"{asked} names no offset: it goes from the first one up to the one behind the last. Try: --without {start}:{start + 1}"
        )
    if start < plan.to:
        raise UsageError(f"{asked} begins before --to {plan.to}, where the log is to be folded from. Try: --to {start}")
    if end > plan.end:
        raise UsageError(
            f"{asked} is not in the log of {fold.name}: what is folded ends at offset {plan.end - 1}. Try: a range up to {plan.end}"
        )
