"""The pure parts of the supervisor and of the services it runs."""

from itertools import islice

from penstock.local.processes import parse_stat
from penstock.local.services import SERVICES, Service, port_names, service_environment, stack_addresses, stages
from penstock.local.supervisor import STEADY_S, Delays, back_off


def test_restarts_wait_twice_as_long_each_time_up_to_30_s() -> None:
    assert list(islice(back_off(), 8)) == [0, 0.5, 1, 2, 4, 8, 16, 30]


def test_what_was_steady_is_back_at_once_and_what_dies_at_each_start_waits_longer() -> None:
    delays = Delays(ready_s=0.0)
    assert [delays.died(now_s) for now_s in (100.0, 101.0, 102.0)] == [0, 0.5, 1], "the readiness of long ago counts once"
    delays.ready(110.0)
    assert delays.died(111.0) == 2
    delays.ready(120.0)
    assert delays.died(121.0 + STEADY_S) == 0


def test_a_name_with_brackets_does_not_confuse_the_start_time() -> None:
    assert parse_stat("7 (a) S (b) R " + "0 " * 18 + "4711 0 0") == "4711"


def test_a_zombie_is_dead() -> None:
    assert parse_stat("7 (python) Z " + "0 " * 18 + "4711 0 0") is None


def test_the_registry_is_ready_before_the_five_others_start() -> None:
    assert [[service.name for service in stage] for stage in stages(SERVICES)] == [
        ["registry"],
        ["ingestion", "feature_store", "trainer", "deployer", "monitor"],
    ]


def test_every_service_is_told_where_the_others_are_and_its_own_ports() -> None:
    ports = {name: 20_000 + number for number, name in enumerate(port_names(SERVICES))}
    addresses = stack_addresses(ports, "127.0.0.1:1", "postgresql://u:p@127.0.0.1:2/penstock")
    trainer = next(service for service in SERVICES if service.name == "trainer")
    assert service_environment(trainer, ports, addresses) == {
        "PENSTOCK_BOOTSTRAP": "127.0.0.1:1",
        "PENSTOCK_DSN": "postgresql://u:p@127.0.0.1:2/penstock",
        "PENSTOCK_REGISTRY": f"127.0.0.1:{ports['registry.grpc']}",
        "PENSTOCK_SCHEMA_REGISTRY_URL": f"http://127.0.0.1:{ports['registry.http']}",
        "PENSTOCK_OPS_PORT": str(ports["trainer.ops"]),
        "PENSTOCK_GRPC_PORT": str(ports["trainer.grpc"]),
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
    }
    assert addresses.gateway == f"http://127.0.0.1:{ports['ingestion.http']}"
    assert addresses.metrics["monitor"] == f"http://127.0.0.1:{ports['monitor.ops']}/metrics"
    assert len(addresses.metrics) == 6


def test_a_schema_registry_that_is_given_takes_the_place_of_ours() -> None:
    ports = {name: 20_000 + number for number, name in enumerate(port_names(SERVICES))}
    addresses = stack_addresses(ports, "b", "d", "http://elsewhere/apis/ccompat/v7")
    told = [service_environment(service, ports, addresses)["PENSTOCK_SCHEMA_REGISTRY_URL"] for service in SERVICES]
    assert told == ["http://elsewhere/apis/ccompat/v7"] * len(SERVICES)


def test_a_stack_without_a_registry_tells_no_address_of_one() -> None:
    lonely = Service("lonely", ("true",))
    ports = {"lonely.ops": 20_000}
    environment = service_environment(lonely, ports, stack_addresses(ports, "b", "d"))
    assert "PENSTOCK_REGISTRY" not in environment
