import json

import asyncpg
import pytest

from penstock.invariants.audit import first_broken
from penstock.invariants.champion import Move, moves
from penstock_registry.ledger import Ledger
from tests.integration.registry.running import Running, checkpoint, proposal, spec_json


async def test_every_change_is_one_link_of_the_chain(registry: Running, ledger: Ledger) -> None:
    await registry.client.apply(spec_json())
    await registry.client.put_checkpoint(checkpoint(1, 100), b"learner")
    await registry.client.put_checkpoint(checkpoint(2, 100, proposal=proposal("a", 1)), b"learner")
    await registry.client.set_alias("late", "night", 1, "ticket")
    actions = [row["body"] for row in await ledger.pool.fetch("SELECT body::json ->> 'action' AS body FROM audit ORDER BY sequence")]
    assert [action for action in actions if action != "schema"] == ["apply", "checkpoint", "checkpoint", "alias"]
    assert await ledger.broken_at() is None


async def test_the_audit_log_is_only_appended_to(registry: Running, ledger: Ledger) -> None:
    await registry.client.apply(spec_json())
    for sql in ("UPDATE audit SET body = '{}'", "DELETE FROM audit", "TRUNCATE audit"):
        with pytest.raises(asyncpg.RaiseError, match="only appended to"):
            await ledger.pool.execute(sql)


async def test_who_gets_round_that_is_found_out(registry: Running, ledger: Ledger) -> None:
    await registry.client.put_checkpoint(checkpoint(1, 100), b"learner")
    await registry.client.set_alias("late", "night", 1, "ticket")
    await ledger.pool.execute("ALTER TABLE audit DISABLE TRIGGER audit_is_append_only")
    broken = await ledger.pool.fetchval(
        "UPDATE audit SET body = replace(body, 'ticket', 'picket') WHERE body LIKE '%ticket%' RETURNING sequence"
    )
    assert await ledger.broken_at() == broken


async def test_who_reads_the_audit_log_can_check_its_chain(registry: Running) -> None:
    await registry.client.put_checkpoint(checkpoint(1, 100), b"learner")
    await registry.client.set_alias("late", "night", 1, "ticket")
    rows = [row async for row in registry.client.audit()]
    assert first_broken(rows) is None
    assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
    assert [row async for row in registry.client.audit(after=rows[-2].sequence)] == rows[-1:]
    assert moves((json.loads(row.body) for row in rows), "late") == [Move("champion", 0, 1, "first"), Move("night", 0, 1, "ticket")]
