"""The registry's composition root: what is waited for, what is served, what runs."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from functools import partial
from typing import Any

from penstock import patience, postgres
from penstock.crashpoint import CrashPoints
from penstock.kafka.cluster import KafkaCluster, opened
from penstock.patience import WEATHER, patiently
from penstock.process import Process, serve_http
from penstock.records import Wire, platform_schema
from penstock.records.schemas import HttpSchemaRegistry, SchemaRegistryError
from penstock.rpc.server import serve_grpc
from penstock_registry.aliases import Aliases
from penstock_registry.checkpoints import Checkpoints
from penstock_registry.kafka import everything, is_empty, make_topics, sender
from penstock_registry.ledger import Ledger
from penstock_registry.outbox import Outbox
from penstock_registry.rest import schema_registry
from penstock_registry.schema_log import read_entries, recover
from penstock_registry.schemas import Schemas
from penstock_registry.service import Stores, registry_service
from penstock_registry.specs import Specs
from penstock_registry.topics import platform_topics

PACKAGE = "penstock_registry"
NOT_YET: tuple[type[Exception], ...] = (*WEATHER, SchemaRegistryError)
"""What keeps the outbox from being published: a schema that another registry refuses must not take down what is served here."""

Log = Any  # structlog's bound loggers have no common type


async def main(process: Process) -> None:
    """Serve until cancelled; ready when the platform's topics are there, both APIs answer and what changes is published."""
    settings, prefix = process.settings, process.settings.topic_prefix
    async with contextlib.AsyncExitStack() as stack:
        pool = await patiently(process.log, lambda: stack.enter_async_context(postgres.connect(settings.dsn, process.schema, PACKAGE)))
        ledger = Ledger(pool, postgres.queries(PACKAGE))
        schemas = Schemas(ledger, prefix)
        cluster = await stack.enter_async_context(opened(settings.bootstrap))
        topics = partial(make_topics, cluster)
        await patiently(process.log, lambda: topics(platform_topics(prefix)))
        await patiently(process.log, lambda: _recover_schemas(process, ledger, cluster))
        await stack.enter_async_context(serve_http(schema_registry(schemas), settings.bind, settings.http_port))
        stores = Stores(Specs(ledger, schemas, topics, prefix), Checkpoints(ledger), Aliases(ledger), ledger)
        await stack.enter_async_context(serve_grpc([registry_service(stores)], settings.bind, settings.grpc_port, WEATHER))
        await _tell_of_broken_audit(process.log, ledger)
        await _publish_for_ever(process, ledger, cluster)


async def _recover_schemas(process: Process, ledger: Ledger, cluster: KafkaCluster) -> None:
    """Before the first id is given: those that the topic knows, and the tables may have lost, are never given again."""
    known = {row["id"]: json.loads(row["schema"]) for row in await ledger.pool.fetch(ledger.sql["schemas"])}
    log = read_entries(await everything(cluster, process.settings.bootstrap, process.topic("registry")), known)
    if count := await recover(ledger, log):
        process.log.warning("schemas and subjects were lost, and are taken back from the registry's topic", count=count)


async def _publish_for_ever(process: Process, ledger: Ledger, cluster: KafkaCluster) -> None:
    topic, backoff = process.topic("registry"), patience.backoff()
    async with contextlib.aclosing(HttpSchemaRegistry(process.settings.schema_registry_url)) as registry:
        wire = Wire(registry)

        def begun() -> None:
            process.ready = True
            backoff.reset()

        while True:
            try:
                await _publish(process.log, ledger, cluster, wire, topic, begun, process.crash_points)
            except NOT_YET as error:
                process.log.warning("nothing is published", reason=f"{type(error).__name__}: {error}")
            await asyncio.sleep(backoff.next_s())


async def _publish(
    log: Log, ledger: Ledger, cluster: KafkaCluster, wire: Wire, topic: str, begun: Callable[[], None], crash_points: CrashPoints
) -> None:
    """Publish until something fails."""
    write = await wire.writer(topic, platform_schema("RegistryEntry"))
    if await is_empty(cluster, topic) and await ledger.pool.execute(ledger.sql["send_all_again"]) != "UPDATE 0":
        log.warning("the registry topic is empty, though it was written before: everything is sent again", topic=topic)
    async with sender(cluster, topic) as send:
        begun()
        await Outbox(ledger.pool, ledger.sql, write, send, crash_points).run()


async def _tell_of_broken_audit(log: Log, ledger: Ledger) -> None:
    """A changed audit log is no reason to serve nothing, but nobody may overlook it."""
    broken = await patiently(log, ledger.broken_at)
    if broken is not None:
        log.error("the audit log was changed: its hash chain breaks", sequence=broken, cure="compare with a backup")
