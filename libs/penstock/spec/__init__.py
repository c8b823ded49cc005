"""The specification: what a user declares, read with messages that name file, line, what is wrong and the cure."""

from penstock.spec.errors import SpecError
from penstock.spec.label_rule import LabelRule
from penstock.spec.model import Detector, Model, Promotion, Reaction
from penstock.spec.recipes import check_learners
from penstock.spec.specification import Spec, from_json, load, part_from_json
from penstock.spec.stream import Field, Stream
from penstock.spec.view import Aggregate, Calendar, Last, View

__all__ = [
    "Aggregate",
    "Calendar",
    "Detector",
    "Field",
    "LabelRule",
    "Last",
    "Model",
    "Promotion",
    "Reaction",
    "Spec",
    "SpecError",
    "Stream",
    "View",
    "check_learners",
    "from_json",
    "load",
    "part_from_json",
]
