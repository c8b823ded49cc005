import pytest

from penstock.errors import UsageError
from penstock_registry.reference import Reference, parse_reference


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("flights-late", Reference("flights-late", "champion")),
        ("flights-late@champion", Reference("flights-late", "champion")),
        ("flights-late@night_shift", Reference("flights-late", "night_shift")),
        ("flights-late/7", Reference("flights-late", None, 7)),
        ("flights-late/7@123456", Reference("flights-late", None, 7, 123456)),
        ("flights-late/7@0", Reference("flights-late", None, 7, 0)),
        ("models:/flights-late@champion", Reference("flights-late", "champion")),
        ("models:/flights-late/7@123456", Reference("flights-late", None, 7, 123456)),
    ],
)
def test_a_reference_names_a_model_and_an_alias_or_a_version_and_position(text: str, reference: Reference) -> None:
    assert parse_reference(text) == reference


@pytest.mark.parametrize(
    "text", ["", "@champion", "a/", "a@", "a/x", "a/7@", "a/7@x", "a@Champion", "a b", "a/7/8", "models:/", "a@7", "a/-1", "é"]
)
def test_anything_else_is_refused_with_the_forms_that_there_are(text: str) -> None:
    with pytest.raises(UsageError, match="Try: NAME, NAME@ALIAS"):
        parse_reference(text)
