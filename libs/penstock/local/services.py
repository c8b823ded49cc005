"""The services of the stack: their commands, ports, environment and readiness."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import httpx

from penstock.local.ports import HOST
from penstock.local.state import Folders, StackAddresses
from penstock.local.supervisor import Program

READY_WITHIN_S = 60.0
PROBE_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Service:
    """A service to run: each port gets a free number, told as PENSTOCK_<PORT>_PORT; "ops" serves /readyz.

    Services of a lower stage are ready before those of a higher one start.
    """

    name: str
    argv: tuple[str, ...]
    ports: tuple[str, ...] = ("ops",)
    stage: int = 0


def _penstock(name: str, *ports: str, stage: int = 1) -> Service:
    return Service(name, (sys.executable, "-m", "penstock.process", name), ("ops", *ports), stage)


SERVICES = (
    _penstock("registry", "grpc", "http", stage=0),  # the others ask it for specs and schemas as they start
    _penstock("ingestion", "http"),
    _penstock("feature_store", "grpc"),
    _penstock("trainer", "grpc"),
    _penstock("deployer"),
    _penstock("monitor", "grpc"),
)


def port_name(service: str, port: str) -> str:
    """Return the name under which a service's port is chosen and written down."""
    return f"{service}.{port}"


def port_names(services: Iterable[Service]) -> list[str]:
    """Return the names of all ports that the services need."""
    return [port_name(service.name, port) for service in services for port in service.ports]


def stack_addresses(ports: Mapping[str, int], bootstrap: str, dsn: str, schema_registry_url: str = "") -> StackAddresses:
    """Return where everything answers, from the ports that were chosen; a schema registry that is given takes the place of ours."""

    def at(service: str, port: str, scheme: str = "") -> str:
        number = ports.get(port_name(service, port))
        return f"{scheme}{HOST}:{number}" if number else ""

    with_ops = [name.removesuffix(".ops") for name in ports if name.endswith(".ops")]
    return StackAddresses(
        bootstrap=bootstrap,
        dsn=dsn,
        registry=at("registry", "grpc"),
        schema_registry_url=schema_registry_url or at("registry", "http", "http://"),
        gateway=at("ingestion", "http", "http://"),
        feature_store=at("feature_store", "grpc"),
        trainer=at("trainer", "grpc"),
        monitor=at("monitor", "grpc"),
        metrics={service: at(service, "ops", "http://") + "/metrics" for service in with_ops},
    )


def service_environment(service: Service, ports: Mapping[str, int], addresses: StackAddresses) -> dict[str, str]:
    """Return what a service finds in its environment; hash seed 0 since digests depend on it (design §7)."""
    shared = {
        "PENSTOCK_BOOTSTRAP": addresses.bootstrap,
        "PENSTOCK_DSN": addresses.dsn,
        "PENSTOCK_REGISTRY": addresses.registry,
        "PENSTOCK_SCHEMA_REGISTRY_URL": addresses.schema_registry_url,
    }
    own = {f"PENSTOCK_{port.upper()}_PORT": str(ports[port_name(service.name, port)]) for port in service.ports}
    told = {name: value for name, value in shared.items() if value}
    return {**told, **own, "PYTHONHASHSEED": "0", "PYTHONUNBUFFERED": "1"}


def service_program(
    service: Service, ports: Mapping[str, int], addresses: StackAddresses, folders: Folders, client: httpx.AsyncClient
) -> Program:
    """Return a service as a program for the supervisor."""
    own = {port: f"{HOST}:{ports[port_name(service.name, port)]}" for port in service.ports}

    async def is_ready(pid: int) -> bool:
        return await answers_as(client, f"http://{own['ops']}/readyz", service.name, pid)

    return Program(
        name=service.name,
        argv=service.argv,
        log=folders.log_of(service.name),
        ready=is_ready,
        env=service_environment(service, ports, addresses),
        addresses=own,
        ready_within_s=READY_WITHIN_S,
    )


async def answers_as(client: httpx.AsyncClient, url: str, name: str, pid: int) -> bool:
    """Tell whether the process that answers is ready, and is the one that is meant: another may hold the port."""
    try:
        answer = await client.get(url, timeout=PROBE_TIMEOUT_S)
        said = answer.json() if answer.status_code == httpx.codes.OK else None
    except (httpx.HTTPError, ValueError):
        return False
    return isinstance(said, dict) and (said.get("service"), said.get("pid")) == (name, pid)


def stages(services: Sequence[Service]) -> list[list[Service]]:
    """Return the services by stage, lowest first, each stage in the order given."""
    numbers = sorted({service.stage for service in services})
    return [[service for service in services if service.stage == number] for number in numbers]
