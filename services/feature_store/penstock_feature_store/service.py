"""gRPC: the online features of entities."""

from typing import Any

from penstock.errors import UsageError
from penstock.rpc.features.v1.features_pb2 import GetOnlineRequest, GetOnlineResponse, Row, Value
from penstock.rpc.features.v1.features_pb2_grpc import FeaturesServicer
from penstock_feature_store.online import OnlineStore

ENTITIES_MAX = 1_000


class OnlineFeatures(FeaturesServicer):
    """Answers `penstock.features.v1.Features`."""

    def __init__(self, store: OnlineStore) -> None:
        self._store = store

    async def GetOnline(self, request: GetOnlineRequest, context: Any) -> GetOnlineResponse:  # noqa: N802 (gRPC's name)
        """The newest features of each entity, in the order asked. Raises: UsageError for too many entities."""
        if len(request.entities) > ENTITIES_MAX:
            raise UsageError(f"{len(request.entities)} entities asked for; the limit is {ENTITIES_MAX}. Try: several calls")
        found = await self._store.read(request.view, request.entities)
        return GetOnlineResponse(rows=[_row(entity, found.get(entity)) for entity in request.entities])


def _row(entity: str, found: tuple[int, dict[str, Any]] | None) -> Row:
    if found is None:
        return Row(entity=entity, found=False)
    event_time_ms, features = found
    values = {name: to_value(value) for name, value in features.items()}
    return Row(entity=entity, found=True, event_time_ms=event_time_ms, values=values)


def to_value(feature: float | int | str | bool | None) -> Value:
    """A feature as a message; null is a message without a kind."""
    match feature:
        case None:
            return Value()
        case bool():
            return Value(flag=feature)
        case int():
            return Value(integer=feature)
        case float():
            return Value(number=feature)
        case str():
            return Value(text=feature)
