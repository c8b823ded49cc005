"""A rewind asked for from outside: the trainer does it, or says what it would do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import grpc

from penstock.errors import PenstockError, UsageError
from penstock.inspection.trainer import Told, followed
from penstock.rpc import NotFound, Refused
from penstock.rpc.trainer.v1 import rewind_pb2, rewind_pb2_grpc

TIMEOUT_S = 3_600.0

ERRORS: dict[grpc.StatusCode, type[PenstockError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: UsageError,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.FAILED_PRECONDITION: Refused,
}
"""What the trainer's reasons are here."""


@dataclass(frozen=True, slots=True)
class Heir:
    """The version that goes on for `parent`; in a dry run it has no number and no digest yet."""

    version: int
    parent: int
    learner: str
    digest: str
    proposed: bool

    @classmethod
    def read(cls, heirs: Iterable[rewind_pb2.Heir]) -> "list[Heir]":
        """The heirs of a message."""
        return [cls(**{name: getattr(heir, name) for name in cls.__dataclass_fields__}) for heir in heirs]


@dataclass(frozen=True, slots=True)
class Rewound:
    """What a rewind has done, or in a dry run would do: see RewindResult in rewind.proto."""

    model: str
    dry_run: bool
    cause: str
    position: int
    began: int
    without: list[tuple[int, int]]
    records: int
    seconds: float
    predictions: int
    labels: int
    heirs: list[Heir]
    champion: int


async def rewind(  # what a command line says
    address: str,
    model: str,
    to: int,
    without: Sequence[tuple[int, int]],
    reason: str,
    *,
    dry_run: bool,
    told: Told | None = None,
) -> Rewound:
    """Rewind a model. Raises: UsageError, NotFound, Refused with the trainer's reason; PenstockError when it does not answer."""
    ranges = [rewind_pb2.Range(start=start, end=end) for start, end in without]
    request = rewind_pb2.RewindRequest(model=model, to=to, without=ranges, reason=reason, dry_run=dry_run)
    async with grpc.aio.insecure_channel(address) as channel:
        return _rewound(await followed(rewind_pb2_grpc.RewinderStub(channel).Rewind(request, timeout=TIMEOUT_S), told, ERRORS))


def _rewound(result: rewind_pb2.RewindResult) -> Rewound:
    names = [name for name in Rewound.__dataclass_fields__ if name not in ("without", "heirs")]
    return Rewound(
        **{name: getattr(result, name) for name in names},
        without=[(each.start, each.end) for each in result.without],
        heirs=Heir.read(result.heirs),
    )
