import json

import pytest

from penstock.catalogue import Catalogue
from penstock.errors import PenstockError
from penstock.records import Wire
from penstock.records.schemas import MemorySchemaRegistry

STREAM = '{"key":"origin","fields":{"origin":{"type":"string"}}}'


def catalogue() -> Catalogue:
    return Catalogue("nowhere:0", "registry", Wire(MemorySchemaRegistry()))


def test_the_highest_revision_of_a_key_is_kept_in_whatever_order_they_come() -> None:
    seen = catalogue()
    for revision in (2, 1, 3, 2):
        seen.take("alias", "late@champion", revision, json.dumps({"version": revision * 10}))
    assert seen.aliases == {"late@champion": {"version": 30}}


def test_a_repeated_entry_changes_nothing_and_says_so() -> None:
    seen = catalogue()
    assert [seen.take("version", "late/1", 1, "{}") for _ in range(2)] == [True, False]


def test_parts_of_the_specification_come_as_what_they_are() -> None:
    seen = catalogue()
    seen.take("stream", "flights", 4, STREAM)
    version, stream = seen.streams["flights"]
    assert (version, stream.name, stream.key) == (4, "flights", "origin")


def test_a_body_that_makes_no_sense_leaves_what_was_there() -> None:
    seen = catalogue()
    seen.take("stream", "flights", 1, STREAM)
    with pytest.raises(PenstockError):
        seen.take("stream", "flights", 2, '{"kye": "origin"}')
    assert seen.streams["flights"][0] == 1


def test_schemas_which_stand_on_the_same_topic_wake_nobody() -> None:
    seen = catalogue()
    assert [seen.take(kind, "1", 1, "{}") for kind in ("schema", "subject")] == [False, False]
