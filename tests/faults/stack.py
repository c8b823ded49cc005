"""The platform that is put to the test: Kafka, PostgreSQL and the six services under the production supervisor, behind two proxies."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from penstock.local import kafka, postgres
from penstock.local.ports import HOST, choose_ports
from penstock.local.processes import start_time
from penstock.local.running import find_parts
from penstock.local.services import SERVICES, port_names, service_program, stack_addresses, stages
from penstock.local.state import Folders, Process, StackAddresses, State, folders_of, write_state
from penstock.local.supervisor import Child, Program, Supervisor, together
from tests.faults.disk import enter_private_mounts, mount_small, unmount
from tests.faults.proxy import Proxy

KAFKA_DISK_MB, POSTGRES_DISK_MB = 4_096, 1_024
CRASH_AT = "PENSTOCK_CRASH_AT"
STANDBY = "standby"

# Whoever comes through the proxy must be sent through it again, so the broker has a listener that advertises the proxy's port.
LISTENERS = """
listeners=PLAINTEXT://{host}:{direct},PROXIED://{host}:{behind},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{direct},PROXIED://{host}:{proxy}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
"""


@dataclass(slots=True)
class Platform:
    """A running platform. `addresses` lead straight to Kafka and PostgreSQL; the services go through the proxies."""

    folder: Path
    addresses: StackAddresses
    kafka_proxy: Proxy
    postgres_proxy: Proxy
    kafka_disk: Path
    postgres_disk: Path
    no_disks: str
    """Why there are no small disks; nothing when there are."""
    programs: dict[str, Program] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)
    environments: dict[str, dict[str, str]] = field(default_factory=dict)
    died_s: dict[str, float] = field(default_factory=dict)
    """When the supervisor last saw a process dead, in seconds since the epoch."""

    def pid(self, name: str) -> int:
        """The process that runs now."""
        return self.processes[name].pid

    def restarts(self, name: str) -> int:
        """How often a process has come back."""
        return self.processes[name].restarts

    @property
    def is_ready(self) -> bool:
        """Whether every process lives and serves."""
        return all(process.state == "ready" and process.is_alive for process in self.processes.values())

    def arm(self, name: str, point: str) -> None:
        """Let the next process of a service, and only that one, crash at a point."""
        self.environments[name][CRASH_AT] = point

    def note(self, process: Process) -> None:
        """Keep what the supervisor says."""
        self.processes[process.name] = process
        if process.state == "restarting":
            self.died_s[process.name] = time.time()
        if process.state == "starting" and process.pid:
            self.environments.get(process.name, {}).pop(CRASH_AT, None)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with folders_of(self.folder).log_of("supervisor").open("a") as log:
            log.write(f"{now} {process.name} {process.state} pid={process.pid} restarts={process.restarts} exit_code={process.exit_code}\n")

    @asynccontextmanager
    async def standby(self, name: str) -> AsyncIterator[None]:
        """A second instance of a service, on ports of its own, while inside."""
        program, seen = self.programs[name], list[Process]()
        own = {"PENSTOCK_INSTANCE": STANDBY, **{port: "0" for port in program.env if port.endswith("_PORT")}}
        log = program.log.with_name(f"{name}-{STANDBY}.log")

        async def born(_pid: int) -> bool:
            return True

        child = Child(replace(program, name=f"{name}-{STANDBY}", log=log, env={**program.env, **own}, ready=born), seen.append)
        await child.start()
        try:
            yield
        finally:
            await child.stop()


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Platform]:
    """The whole platform while inside. Raises: LocalStackError when it cannot be started."""
    async with AsyncExitStack() as stack:
        folders = folders_of(folder)
        folders.make()
        kafka_folders, postgres_folders = folders_of(folder / "disk-kafka"), folders_of(folder / "disk-postgres")
        refused = enter_private_mounts()
        refused = refused or mount_small(kafka_folders.data, KAFKA_DISK_MB) or mount_small(postgres_folders.data, POSTGRES_DISK_MB)
        if not refused:
            stack.callback(unmount, kafka_folders.data)
            stack.callback(unmount, postgres_folders.data)
        platform, infrastructure, ports = await _prepare(folder, kafka_folders, postgres_folders, refused)
        await stack.enter_async_context(platform.kafka_proxy.serving())
        await stack.enter_async_context(platform.postgres_proxy.serving())
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        supervisor = Supervisor(platform.note)
        stack.push_async_callback(supervisor.stop)
        await supervisor.start(infrastructure)
        for stage in stages(SERVICES):
            programs = [service_program(service, ports, _proxied(platform), folders, client) for service in stage]
            await supervisor.start([_with_changeable_environment(platform, program) for program in programs])
        write_state(_state(platform, ports))
        yield platform


async def _prepare(
    folder: Path, kafka_folders: Folders, postgres_folders: Folders, no_disks: str
) -> tuple[Platform, list[Program], dict[str, int]]:
    for each in (kafka_folders, postgres_folders):
        each.make()
    parts = find_parts(folders_of(folder), port_names(SERVICES))
    assert parts.kafka is not None
    assert parts.postgres is not None
    broker = replace(parts.kafka, folders=kafka_folders)
    identity = postgres.choose_identity(parts.postgres.binaries, postgres_folders.data)
    database = replace(parts.postgres, folders=postgres_folders, identity=identity)
    more = choose_ports(("kafka.behind", "kafka.proxy", "postgres.proxy"), {})
    programs = await together([kafka.prepare(broker), postgres.prepare(database)])
    with (kafka_folders.run / "kafka.properties").open("a") as settings:  # of two lines for one name the last one counts
        settings.write(
            LISTENERS.format(
                host=HOST, direct=broker.port, behind=more["kafka.behind"], proxy=more["kafka.proxy"], controller=broker.controller_port
            )
        )
    platform = Platform(
        folder=folder,
        addresses=stack_addresses(parts.ports, broker.bootstrap, database.dsn()),
        kafka_proxy=Proxy(more["kafka.proxy"], more["kafka.behind"]),
        postgres_proxy=Proxy(more["postgres.proxy"], database.port),
        kafka_disk=kafka_folders.data,
        postgres_disk=postgres_folders.data,
        no_disks=no_disks,
    )
    return platform, programs, parts.ports


def _proxied(platform: Platform) -> StackAddresses:
    """The addresses that services are given."""
    port = str(urlsplit(platform.addresses.dsn).port)
    dsn = platform.addresses.dsn.replace(f":{port}/", f":{platform.postgres_proxy.port}/")
    return replace(platform.addresses, bootstrap=f"{HOST}:{platform.kafka_proxy.port}", dsn=dsn)


def _with_changeable_environment(platform: Platform, program: Program) -> Program:
    environment = platform.environments[program.name] = dict(program.env)
    platform.programs[program.name] = replace(program, env=environment)
    return platform.programs[program.name]


def _state(platform: Platform, ports: dict[str, int]) -> State:
    """What `penstock show --folder` and its like read."""
    pid = os.getpid()
    processes = tuple(platform.processes.values())
    return State(str(platform.folder), "ready", pid, start_time(pid) or "", addresses=platform.addresses, ports=ports, processes=processes)
