"""A one-node Apache Kafka (KRaft): settings, format, start, and the AOT cache that makes its start fast."""

import asyncio
import base64
import hashlib
import os
import platform
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from penstock.local.errors import LocalStackError
from penstock.local.java import AOT_MAJOR, Java, java_flags
from penstock.local.ports import HOST
from penstock.local.processes import start_time
from penstock.local.state import Folders
from penstock.local.supervisor import Program, run_once

READY_WITHIN_S = 60.0  # after kill -9 a broker waits for its old session to end
STOP_WITHIN_S = 15.0
TRAINING_STOP_WITHIN_S = 60.0  # the first clean stop writes the AOT cache
PROBE_TIMEOUT_MS = 2_000

# The default dedupe buffer alone takes 128 MB of heap. Retention is not limited here: topics set their own.
LEAN_SETTINGS = """\
log.cleaner.dedupe.buffer.size=4194304
log.cleaner.io.buffer.size=65536
num.network.threads=2
num.io.threads=4
background.threads=2
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
offsets.topic.segment.bytes=16777216
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.segment.bytes=16777216
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
log.segment.bytes=67108864
log.index.size.max.bytes=1048576
metadata.log.segment.bytes=8388608
metadata.max.idle.interval.ms=5000
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=1000
"""

LOG_SETTINGS = """\
status=error
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{ISO8601} %p %m (%c)%n%throwable
rootLogger.level=WARN
rootLogger.appenderRef.console.ref=console
"""


@dataclass(frozen=True, slots=True)
class Kafka:
    """What a broker is made of: its folders, jars, Java, and the ports of its two listeners."""

    folders: Folders
    cache: Path
    jars: Sequence[Path]
    java: Java
    port: int
    controller_port: int

    @property
    def bootstrap(self) -> str:
        """Return the address for clients."""
        return f"{HOST}:{self.port}"

    @property
    def data(self) -> Path:
        """Return the data folder."""
        return self.folders.data / "kafka"

    @property
    def aot_cache(self) -> Path:
        """Return the AOT cache: a JVM uses it only with the same files, version and flags."""
        key = "\n".join((*map(str, self.jars), self.java.version, platform.machine(), *java_flags(self.java.major)))
        return self.cache / f"kafka-{hashlib.sha256(key.encode()).hexdigest()[:16]}.aot"


def settings_text(data: Path, port: int, controller_port: int) -> str:
    """Return the broker's settings file."""
    return (
        f"process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@{HOST}:{controller_port}\n"
        f"listeners=PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}\n"
        "controller.listener.names=CONTROLLER\nlistener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n"
        f"log.dirs={data}\n{LEAN_SETTINGS}"
    )


async def prepare(kafka: Kafka) -> Program:
    """Format the data folder if it is new, and return the broker as a program.

    Raises:
        LocalStackError: the folder belongs to another cluster, or cannot be formatted.
    """
    (kafka.folders.run / "log4j2.properties").write_text(LOG_SETTINGS)
    if not kafka.data.exists():
        await _format(kafka)
    settings = kafka.folders.run / "kafka.properties"
    settings.write_text(settings_text(kafka.data, kafka.port, kafka.controller_port))
    return _broker(kafka, settings, _own_cluster_id(kafka.folders))


def _broker(kafka: Kafka, settings: Path, cluster_id: str) -> Program:
    written = kafka.cache / f"{kafka.aot_cache.stem}.{os.getpid()}.part"
    trains = kafka.java.major >= AOT_MAJOR and not kafka.aot_cache.exists()

    async def keep_aot_cache() -> None:
        if trains and written.exists():
            written.replace(kafka.aot_cache)

    async def is_ready(_pid: int) -> bool:
        return await cluster_id_at(kafka.port) == cluster_id

    _remove_leftovers(kafka.cache)
    return Program(
        name="kafka",
        argv=_java_command(kafka, "kafka.Kafka", str(settings), aot_output=written if trains else None),
        log=kafka.folders.log_of("kafka"),
        ready=is_ready,
        addresses={"bootstrap": kafka.bootstrap},
        ready_within_s=READY_WITHIN_S,
        stop_within_s=TRAINING_STOP_WITHIN_S if trains else STOP_WITHIN_S,
        after_stop=keep_aot_cache,
    )


def _java_command(kafka: Kafka, main_class: str, *arguments: str, aot_output: Path | None = None) -> tuple[str, ...]:
    aot_cache = kafka.aot_cache if kafka.aot_cache.exists() else None
    return (
        str(kafka.java.path),
        *java_flags(kafka.java.major, aot_cache, aot_output),
        f"-Dlog4j2.configurationFile={(kafka.folders.run / 'log4j2.properties').as_uri()}",
        "-cp",
        os.pathsep.join(map(str, kafka.jars)),
        main_class,
        *arguments,
    )


async def _format(kafka: Kafka) -> None:
    """Format beside the final place, so that a folder which exists is a whole one."""
    fresh = kafka.data.with_suffix(".new")
    settings = kafka.folders.run / "kafka-format.properties"
    settings.write_text(settings_text(fresh, kafka.port, kafka.controller_port))
    cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode().replace("-", "_")
    argv = _java_command(kafka, "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(settings), "--ignore-formatted")
    shutil.rmtree(fresh, ignore_errors=True)
    await run_once(Program("kafka-format", argv, kafka.folders.log_of("kafka"), ready=_never, ready_within_s=READY_WITHIN_S))
    fresh.rename(kafka.data)
    cluster_id_file(kafka.folders).write_text(cluster_id)


def cluster_id_file(folders: Folders) -> Path:
    """Return the file that says which cluster a folder was made for."""
    return folders.data / "cluster.id"


def formatted_cluster_id(folders: Folders) -> str | None:
    """Return the cluster id in Kafka's own data folder, or None if it is not formatted."""
    path = folders.data / "kafka" / "meta.properties"
    return parse_cluster_id(path.read_text()) if path.is_file() else None


def parse_cluster_id(text: str) -> str | None:
    """Return the cluster id of a meta.properties file.

    >>> parse_cluster_id("version=1" + chr(10) + "cluster.id=abc" + chr(10))
    'abc'
    """
    settings = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return settings.get("cluster.id")


def _own_cluster_id(folders: Folders) -> str:
    formatted, path = formatted_cluster_id(folders), cluster_id_file(folders)
    if formatted and not path.exists():  # the process died between the rename and this line
        path.write_text(formatted)
    expected = path.read_text().strip() if path.exists() else None
    if formatted is None or formatted != expected:
        raise LocalStackError(
            f"{folders.data / 'kafka'} belongs to cluster {formatted}, this stack's is {expected}. "
            "Try: penstock down --wipe, or another folder."
        )
    return formatted


async def cluster_id_at(port: int) -> str | None:
    """Return the id of the cluster that answers on a port of this machine, or None if no broker does."""
    if not await _listens(port):
        return None
    from aiokafka.admin import AIOKafkaAdminClient  # noqa: PLC0415 (0.3 s, while the broker starts)
    from aiokafka.errors import KafkaError  # noqa: PLC0415

    client = AIOKafkaAdminClient(bootstrap_servers=f"{HOST}:{port}", request_timeout_ms=PROBE_TIMEOUT_MS)
    try:
        await client.start()
        answer = (await client.describe_cluster())["cluster_id"]
        return str(answer) if answer else None
    except (KafkaError, OSError):
        return None
    finally:
        await client.close()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    return True


async def _never(_pid: int) -> bool:
    return False


def _remove_leftovers(cache: Path) -> None:
    """Delete AOT caches that a process began to write and did not finish."""
    for part in cache.glob("kafka-*.part"):
        owner = part.suffixes[-2].lstrip(".")
        if not (owner.isdigit() and start_time(int(owner))):
            part.unlink(missing_ok=True)
