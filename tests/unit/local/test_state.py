"""The state of a stack."""

from pydantic import TypeAdapter

from penstock.local.state import Process, StackAddresses, State, mask

STATE = State(
    folder="/somewhere/.penstock",
    phase="ready",
    pid=7,
    started="4711",
    addresses=StackAddresses(
        "127.0.0.1:1", "postgresql://penstock:s3cret@127.0.0.1:2/penstock", metrics={"trainer": "http://127.0.0.1:3/metrics"}
    ),
    ports={"kafka": 1},
    processes=(Process("kafka", "kafka.log", {"bootstrap": "127.0.0.1:1"}, "restarting", 8, "4712", 2, -9),),
)


def test_what_is_written_is_read_again() -> None:
    adapter = TypeAdapter(State)
    assert adapter.validate_json(adapter.dump_json(STATE)) == STATE


def test_the_password_is_masked_for_printing() -> None:
    assert "s3cret" not in str(STATE.masked())
    assert mask("postgresql://penstock@127.0.0.1/penstock") == "postgresql://penstock@127.0.0.1/penstock"


def test_a_state_without_a_process_is_dead() -> None:
    assert not State("/somewhere").is_alive
