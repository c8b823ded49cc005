"""Hostile bytes are refused with StateError and nothing else, and run nothing."""

import pytest

from penstock.codec import Limits, Malformed, NotAllowed, StateError, TooLarge, WrongVersion, decode, encode
from tests.codec import fuzz
from tests.codec.hostile import CORPUS, MEAN_LAYOUT, document
from tests.codec.supported import trained


@pytest.mark.parametrize("name", CORPUS)
def test_hostile_bytes_are_refused(name: str) -> None:
    with pytest.raises(StateError):
        decode(CORPUS[name])


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("another river", WrongVersion),
        ("os:system as a class", NotAllowed),
        ("eval as a factory", NotAllowed),
        ("method of another class", NotAllowed),
        ("attribute of another type", Malformed),
        ("33 tuples deep", TooLarge),
    ],
)
def test_the_refusal_says_of_which_kind_it_is(name: str, error: type[StateError]) -> None:
    with pytest.raises(error) as caught:
        decode(CORPUS[name])
    assert caught.value.path
    assert caught.value.reason


def test_the_path_leads_to_the_place() -> None:
    with pytest.raises(Malformed) as caught:
        decode(document([[2, "a", [1]], [14, 0, 1.0, "x"]], [MEAN_LAYOUT]))
    assert caught.value.path == "model['a'].n"


def test_limits_cap_bytes_and_nodes() -> None:
    data = trained("tree")
    with pytest.raises(TooLarge, match="size_bytes_max"):
        decode(data, Limits(size_bytes_max=len(data) - 1))
    with pytest.raises(TooLarge, match="nodes_max"):
        decode(data, Limits(nodes_max=10))
    assert encode(decode(data, Limits(size_bytes_max=len(data)))) == data


def test_shared_nodes_do_not_expand() -> None:
    laughs = [[1, [number + 1], [number + 1]] for number in range(60)]
    assert encode(decode(document([*laughs, [1]]))) == document([*laughs, [1]])


def test_inputs_at_random_are_refused_or_are_another_state() -> None:
    """The short form of `python -m tests.codec fuzz`."""
    found = fuzz.read(1_500, seed=7)
    assert found["faults"] == []
    assert found["accepted"] > 50
    assert set(found["kinds"]) >= {"Malformed", "NotAllowed"}


def test_a_child_with_little_memory_reads_hostile_bytes() -> None:
    report = fuzz.campaign(200, seed=3, memory_mib=2_048, say=lambda line: None)
    assert report.inputs == 200
    assert report.clean, report.faults


def test_a_fault_of_the_reader_is_seen() -> None:
    """The fuzzing can fail: what is no document at all is refused by name, and bytes that are not canonical would be told apart."""
    assert fuzz.tried(b"") == "Malformed"
    assert fuzz.tried(trained("prior")) == "accepted"


def test_decoding_ends_when_its_time_is_over() -> None:
    with pytest.raises(TooLarge, match="decode_s_max"):
        decode(trained("tree"), Limits(decode_s_max=-1.0))


def test_writing_keeps_the_limits_of_reading() -> None:
    with pytest.raises(TooLarge, match="nodes_max"):
        encode([[], [], []], Limits(nodes_max=3))
    with pytest.raises(TooLarge, match="size_bytes_max"):
        encode(["a" * 100], Limits(size_bytes_max=100))
