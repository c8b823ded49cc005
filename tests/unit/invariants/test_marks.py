from hypothesis import given, strategies as st

from penstock.invariants.marks import PAGE, Hashes, Marks

OFFSETS = st.integers(0, 3 * PAGE)
FLAGS = st.sampled_from([1, 2, 4])


@given(st.lists(st.tuples(OFFSETS, FLAGS), max_size=30), OFFSETS, OFFSETS)
def test_marks_are_a_map_of_offsets_to_flags(added: list[tuple[int, int]], one: int, other: int) -> None:
    marks, plain = Marks(), dict[int, int]()
    for offset, flag in added:
        marks.add(1, offset, flag)
        plain[offset] = plain.get(offset, 0) | flag
    start, end = sorted((one, other))
    inside = {offset: flags for offset, flags in plain.items() if start <= offset < end}
    assert all(marks.get(1, offset) == flags for offset, flags in plain.items())
    assert marks.count(1, start, end).total() == len(inside)
    for flags in range(1, 8):
        assert list(marks.find(1, flags, start, end)) == sorted(offset for offset, found in inside.items() if found == flags)
    assert marks.get(0, start) == marks.count(0, start, end).total() == 0


@given(st.dictionaries(OFFSETS, st.binary(max_size=3), max_size=20), OFFSETS)
def test_hashes_are_kept_by_offset(values: dict[int, bytes], other: int) -> None:
    hashes = Hashes()
    for offset, value in values.items():
        hashes.put(0, offset, value)
    assert all(hashes.known(0, offset) and hashes.holds(0, offset, value) for offset, value in values.items())
    assert hashes.known(0, other) is (other in values)
    assert not hashes.known(1, other)
