from hypothesis import given, strategies as st

from penstock.invariants.audit import GENESIS, AuditRow, first_broken, link


def chain(bodies: list[str]) -> list[AuditRow]:
    rows: list[AuditRow] = []
    for sequence, body in enumerate(bodies, 1):
        rows.append(AuditRow(sequence, body, link(rows[-1].hash if rows else GENESIS, body)))
    return rows


@given(st.lists(st.text(), max_size=20))
def test_a_chain_that_nobody_touched_holds(bodies: list[str]) -> None:
    assert first_broken(chain(bodies)) is None


@given(st.lists(st.text(), min_size=1, max_size=20), st.data())
def test_a_changed_body_breaks_the_chain_where_it_stands(bodies: list[str], data: st.DataObject) -> None:
    rows = chain(bodies)
    index = data.draw(st.integers(0, len(rows) - 1))
    rows[index] = rows[index]._replace(body=rows[index].body + "x")
    assert first_broken(rows) == index + 1


@given(st.lists(st.text(), min_size=2, max_size=20), st.data())
def test_a_row_taken_out_breaks_the_chain(bodies: list[str], data: st.DataObject) -> None:
    rows = chain(bodies)
    index = data.draw(st.integers(0, len(rows) - 2))
    del rows[index]
    assert first_broken(rows) == index + 1


def test_a_row_changed_with_its_hash_breaks_the_chain_at_the_next() -> None:
    rows = chain(["a", "b", "c"])
    rows[1] = AuditRow(2, "B", link(rows[0].hash, "B"))
    assert first_broken(rows) == 3


def test_the_hash_covers_the_row_before_and_the_body() -> None:
    assert len({chain(bodies)[-1].hash for bodies in (["a", "c"], ["b", "c"], ["a", "d"])}) == 3


def test_a_row_with_another_number_breaks_the_chain() -> None:
    rows = chain(["a", "b", "c"])
    rows[1] = rows[1]._replace(sequence=7)
    assert first_broken(rows) == 2
