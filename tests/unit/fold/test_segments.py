"""SegmentedMap: a map whose snapshots share what has not changed."""

from hypothesis import given, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from penstock.fold.segments import SEGMENT_ENTRIES_MAX, SMALL_SEGMENTS_MAX, SegmentedMap

KEYS = st.text(max_size=3)
VALUES = st.binary(max_size=20)


class BesideADict(RuleBasedStateMachine):
    """Whatever is done, in whatever order: the map holds what a dict holds, before and after a restore."""

    @initialize()
    def start(self) -> None:
        self.map = SegmentedMap("m")
        self.model: dict[str, bytes] = {}
        self.ids: set[str] = set()

    @rule(key=KEYS, value=VALUES)
    def put(self, key: str, value: bytes) -> None:
        self.map.put(key, value)
        self.model[key] = value

    @rule(key=KEYS)
    def pop(self, key: str) -> None:
        assert self.map.pop(key) == self.model.pop(key, None)

    @rule()
    def restore(self) -> None:
        manifest, segments = self.map.capture()
        self.map = SegmentedMap("m")
        self.map.restore(manifest, segments)

    @invariant()
    def holds_the_same(self) -> None:
        assert list(self.map) == sorted(self.model)
        assert len(self.map) == len(self.model)
        assert all(self.map.get(key) == value for key, value in self.model.items())


TestBesideADict = BesideADict.TestCase


def filled(count: int, name: str = "m") -> SegmentedMap:
    each = SegmentedMap(name)
    for number in range(count):
        each.put(f"{number:06}", b"v" * 10)
    return each


def test_a_capture_writes_only_what_is_new() -> None:
    pending = filled(1000)
    _, first = pending.capture()
    pending.put("new", b"1")
    pending.pop("000000")
    _, second = pending.capture()
    assert second[: len(first)] == first
    assert len(second[-1].data) < 50


def test_a_capture_of_nothing_new_writes_nothing() -> None:
    pending = filled(10)
    assert pending.capture() == pending.capture()


def test_an_earlier_capture_stays_true_after_later_changes() -> None:
    pending = filled(10)
    manifest, segments = pending.capture()
    for key in list(pending):
        pending.pop(key)
    before = SegmentedMap("m")
    before.restore(manifest, segments)
    assert len(before) == 10


def test_a_segment_without_a_live_entry_is_dropped() -> None:
    pending = filled(10)
    pending.capture()
    for key in list(pending):
        pending.pop(key)
    assert pending.capture()[1] == ()


def test_a_sparse_segment_moves_into_the_next_one() -> None:
    pending = filled(100)
    (old,) = pending.capture()[1]
    for key in list(pending)[:76]:
        pending.pop(key)
    (new,) = pending.capture()[1]
    assert len(new.data) < len(old.data) / 2
    assert len(pending) == 24


def test_many_small_segments_become_one() -> None:
    pending = SegmentedMap("m")
    for number in range(SMALL_SEGMENTS_MAX + 1):
        pending.put(str(number), b"")
        pending.capture()
    assert len(pending.capture()[1]) == 1
    assert len(pending) == SMALL_SEGMENTS_MAX + 1


def test_a_large_capture_is_split() -> None:
    assert len(filled(2 * SEGMENT_ENTRIES_MAX + 1).capture()[1]) == 3


def test_ids_are_never_used_twice_not_even_by_a_zombie() -> None:
    manifest, segments = filled(3).capture()
    owner, zombie = SegmentedMap("m"), SegmentedMap("m")
    for each, value in ((owner, b"owner"), (zombie, b"zombie")):
        each.restore(manifest, segments)
        each.put("x", value)
    assert owner.capture()[1][-1].id != zombie.capture()[1][-1].id


@given(st.lists(st.tuples(KEYS, VALUES)))
def test_the_same_operations_give_the_same_bytes(entries: list[tuple[str, bytes]]) -> None:
    one, two = SegmentedMap("m"), SegmentedMap("m")
    for key, value in entries:
        one.put(key, value)
        two.put(key, value)
    assert one.capture() == two.capture()


def test_the_order_of_keys_does_not_tell_when_snapshots_were_taken() -> None:
    one, two = SegmentedMap("m"), SegmentedMap("m")
    for number, key in enumerate(["b", "a", "c", "a"]):
        one.put(key, b"")
        two.put(key, b"")
        if number == 1:
            two.capture()
    assert list(one) == list(two)
