"""Whether a version that the trainer proposes becomes the champion: the registry's part of the decision, as a pure function."""

from dataclasses import dataclass

AUTOMATIC = "automatic"
LIVE = "live"


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a proposal, and why it was refused."""

    taken: bool
    reason: str = ""


def judge(*, mode: str, version: int, state: str, supposed_champion: int, champion: int, declared: bool = False) -> Decision:
    """Take a proposal if promotion is automatic, the version lives, and the champion it was compared with still is the champion.

    One that the specification declares is taken when promotion is manual too: whoever applied it has decided.

    The evidence was weighed by the trainer's fold, which alone has all of it. `champion` is 0 when none serves yet.

    >>> judge(mode="automatic", version=3, state="live", supposed_champion=1, champion=2)
    Decision(taken=False, reason='it was compared with version 1, but version 2 is the champion now')
    """
    if mode != AUTOMATIC and not declared:
        return Decision(False, f"the specification says promotion.mode: {mode}")
    if state != LIVE:
        return Decision(False, f"version {version} is {state}")
    if version == champion:
        return Decision(False, f"version {version} is the champion already")
    if supposed_champion != champion:
        return Decision(False, f"it was compared with {_name(supposed_champion)}, but {_name(champion)} is the champion now")
    return Decision(True)


def _name(version: int) -> str:
    return f"version {version}" if version else "no champion"
