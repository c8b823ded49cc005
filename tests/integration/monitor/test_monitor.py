"""The monitor as it runs: registry, Kafka and PostgreSQL are real."""

from typing import Any

import grpc
import pytest
from prometheus_client import REGISTRY

from penstock.fold.protocol import Output
from penstock.local.stack import Addresses
from penstock.records import platform_schema
from penstock.rpc.monitor.v1 import monitor_pb2, monitor_pb2_grpc
from penstock.settings import Settings
from penstock_monitor import CARD
from penstock_monitor.main import main
from tests.integration.deployer.platform import Platform, free_ports, platform, service
from tests.unit.monitor.outcomes import stepped
from tests.waiting import until

TIMEOUT_S = 60.0


async def tell(there: Platform, outcomes: list[dict[str, Any]], first: int = 0) -> None:
    topic = there.topic("outcomes.late")
    write = await there.wire.writer(topic, platform_schema("Outcome"))
    outputs = []
    for at, outcome in enumerate(outcomes, first):
        origin = {"topic": there.topic("learning.late"), "generation": 1, "partition": 0, "offset": at, "index": 0}
        whole = {"event_time_ms": at, "origin": origin, "event_id": str(at), "scores": [], "prediction_position": at, **outcome}
        outputs.append(Output(topic, 0, b"JFK", write(whole)))
    await there.sender.send(outputs)


def monitor_settings(there: Platform) -> Settings:
    return there.settings.model_copy(update={"grpc_port": free_ports(1)[0], "http_port": 0})


async def test_quality_is_answered_and_drift_is_raised_once_across_a_restart(stack: Addresses) -> None:
    outcomes = stepped(seed=1, before=1_000, after=300)
    async with platform(stack) as there:
        settings = monitor_settings(there)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{settings.grpc_port}") as channel:
            stub: Any = monitor_pb2_grpc.MonitorStub(channel)
            async with service(CARD, main, settings):
                await tell(there, outcomes[:700])
                await until(lambda: _labelled(stub, 700), TIMEOUT_S)
            async with service(CARD, main, settings):
                await tell(there, outcomes[700:], first=700)
                await until(lambda: _labelled(stub, 1_300), TIMEOUT_S)
                quality = await stub.GetQuality(monitor_pb2.GetQualityRequest(model="late"))
                gauge = REGISTRY.get_sample_value("penstock_quality", {"model": "late", "of": "served", "metric": "log_loss"})
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await stub.GetQuality(monitor_pb2.GetQualityRequest(model="unknown"))
        drifts = [value for _, value, _ in await there.read("drift")]
    assert quality.served.labels == 1_300
    assert gauge == quality.served.metrics["log_loss"]
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    assert [drift["cause"] for drift in drifts] == [drift.cause for drift in quality.drifts]
    assert len(drifts) == 1


async def _labelled(stub: Any, size: int) -> bool:
    try:
        quality = await stub.GetQuality(monitor_pb2.GetQualityRequest(model="late"), wait_for_ready=True)
    except grpc.aio.AioRpcError:  # not up yet, or the fold is not restored yet
        return False
    return bool(quality.labelled == size)
