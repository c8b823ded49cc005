"""What must hold between the parts of a specification: names that exist, types that fit, streams that can be joined."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penstock.records.generated import SCHEMAS
from penstock.spec.document import Node
from penstock.spec.errors import Path, Problems, SpecError, nearest, quoted
from penstock.spec.expression import compile_expression
from penstock.spec.field import WARN
from penstock.spec.label_rule import RELEARN
from penstock.spec.model import Model
from penstock.spec.section import as_number
from penstock.spec.stream import Stream, record_name
from penstock.spec.view import Aggregate, Calendar, Compute, Last, View
from penstock.tasks import TASKS

DEFAULTS = {"string": str, "boolean": bool}
LABEL_CURES = {"string": "a field of type string with an enum", "number": "a field with numbers"}


@dataclass(frozen=True, slots=True)
class Declared:
    """What the file declares, by name; None for a part with problems of its own."""

    streams: Mapping[str, Stream | None]
    views: Mapping[str, View | None]
    models: Mapping[str, Model | None]

    @property
    def sound_streams(self) -> dict[str, Stream]:
        """The streams without problems of their own."""
        return {name: stream for name, stream in self.streams.items() if stream is not None}

    @property
    def sound_views(self) -> dict[str, View]:
        """The views without problems of their own."""
        return {name: view for name, view in self.views.items() if view is not None}

    @property
    def sound_models(self) -> dict[str, Model]:
        """The models without problems of their own."""
        return {name: model for name, model in self.models.items() if model is not None}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the document a check stands."""

    root: Node
    path: Path
    problems: Problems

    def at(self, *path: str | int) -> "_Place":
        return _Place(self.root, (*self.path, *path), self.problems)

    def wrong(self, message: str, cure: str = "") -> None:
        self.problems.add(self.root.find(self.path).position, self.path, message, cure)

    def unknown(self, kind: str, name: str, known: Mapping[str, Any]) -> None:
        names = list(known)
        self.wrong(
            f"{quoted(name)} is not a {kind} ({', '.join(names[:20]) or 'there is none'})", nearest(name, names) or f"declare {kind} {name}"
        )

    def lookup(self, kind: str, name: str, known: Mapping[str, Any]) -> Any:
        """The thing called `name`; None if there is none (noted) or if it has problems of its own."""
        if name not in known:
            self.unknown(kind, name, known)
        return known.get(name)


def check_stream(stream: Stream, root: Node, problems: Problems) -> None:
    """The name of the stream's record is none of the platform's: on validated.<stream> a reader tells records apart by their names."""
    name = record_name(stream.name)
    if name in SCHEMAS:
        place = _Place(root, ("streams", stream.name), problems)
        place.wrong(f"its records would be called {name}, as records of the platform are", f"{stream.name}-events")


def check_view(view: View, declared: Declared, root: Node, problems: Problems) -> None:
    """Streams and fields exist, types fit, joined streams can be read side by side."""
    place = _Place(root, ("views", view.name), problems)
    source = place.at("from").lookup("stream", view.source, declared.streams)
    if source is None:
        return
    for index, name in enumerate(view.select):
        field = place.at("select", index).lookup("field", name, source.fields)
        if field is not None and field.type == "timestamp":
            place.at("select", index).wrong("a timestamp is no feature", f"compute: {{hour: {{calendar: hour, of: {name}}}}}")
    for name, compute in view.compute.items():
        _check_compute(compute, source, declared, place.at("compute", name))


def check_model(model: Model, declared: Declared, root: Node, problems: Problems) -> None:
    """The view and the label's stream exist, a label can name its question, and its condition is one."""
    place = _Place(root, ("models", model.name), problems)
    view = place.at("view").lookup("view", model.view, declared.views)
    labels = place.at("label", "from").lookup("stream", model.label.stream, declared.streams) if model.label else None
    source = None if view is None else declared.streams.get(view.source)
    question = None if source is None or source.id is None else source.fields[source.id]
    if view is not None:
        _check_selected(model, view, place)
    if source is not None and source.partitions > 1 and TASKS[model.task].in_order:
        place.at("view").wrong(
            f"{source.name} has {source.partitions} partitions, and a series has one", f"partitions: 1 for {source.name}"
        )
    if labels is None:
        return
    if source is not None and source.partitions != labels.partitions:  # the view's fold reads both, partition by partition
        place.at("label", "from").wrong(
            f"{source.name} has {source.partitions} partitions, {labels.name} {labels.partitions}: labels are read beside questions",
            "the same number for both",
        )
    field = place.at("label", "id").lookup("field", model.label.id, labels.fields)
    if source is not None and source.id is None:
        place.at("label", "id").wrong(
            f"stream {source.name} has no id, so no label can name its events", f"id: … under streams: {source.name}"
        )
    elif question is not None and field is not None and field.type != question.type:
        place.at("label", "id").wrong(f"is a {field.type}, but the id of its question is a {question.type}", "the same type for both")
    elif field is not None and field.nullable:
        place.at("label", "id").wrong("is nullable: a label must name its question", "leave nullable out")
    if model.label.on_correction == RELEARN and labels.id == model.label.id:
        place.at("label", "on_correction").wrong(
            f"no correction comes: {labels.name} takes one event for each {labels.id}, and refuses another that says something else",
            f"streams.{labels.name}: another id, or none",
        )
    _check_label(model, labels, place.at("label"))


def _check_label(model: Model, labels: Stream, place: _Place) -> None:
    """What says the label gives what the task needs; classes are known and have an end, so that memory has one."""
    task = TASKS[model.task]
    at = place.at("positive" if task.condition else "value")
    used = _check_expression(model.label.expression, labels, (task.label_type,), at, LABEL_CURES.get(task.label_type, ""))
    for field in (labels.fields[name] for name in used if task.label_type == "string"):
        if field.enum is None:
            at.wrong(f"nothing says which classes {field.name} has", f"{field.name}: {{type: string, enum: [ … ]}}")
        elif field.policy("not_in_enum") == WARN:
            at.wrong(f"{field.name} lets unknown classes pass with a warning", "on: {not_in_enum: reject}")


def _check_selected(model: Model, view: View, place: _Place) -> None:
    features = dict.fromkeys(view.features)
    for index, step in enumerate(model.preprocess):
        for position, name in enumerate(step["select"] if isinstance(step["select"], list) else ()):
            place.at("preprocess", index, "select", position).lookup("feature", name, features)


def _check_compute(compute: Compute, source: Stream, declared: Declared, place: _Place) -> None:
    match compute:
        case Calendar(of=of):
            field = place.at("of").lookup("field", of, source.fields)
            if field is not None and field.type != "timestamp":
                place.at("of").wrong(f"{quoted(of)} is a {field.type}, not a timestamp", f"{of}: timestamp")
        case Last(stream=name, field=field_name, default=default):
            stream = place.at("last").lookup("stream", name, declared.streams)
            if stream is None:
                return
            field = place.at("last").lookup("field", field_name, stream.fields)
            if field is not None and field.type == "timestamp":
                place.at("last").wrong("a timestamp is no feature", "a field with numbers, texts or booleans")
            elif field is not None:
                _check_default(default, field.type, place)
            _check_join(compute.by, source, stream, place)
        case Aggregate(kind=kind, stream=name, expression=expression, default=default):
            stream = place.at(kind).lookup("stream", name, declared.streams)
            if stream is None:
                return
            _check_expression(expression, stream, ("boolean",) if kind in ("share", "count") else ("number",), place.at(kind))
            _check_default(default, "double", place)
            _check_join(compute.by, source, stream, place)


def _check_expression(text: str, stream: Stream, wanted: tuple[str, ...], place: _Place, cure: str = "") -> tuple[str, ...]:
    """The fields that the expression uses; none if it is wrong."""
    try:
        expression = compile_expression(text, stream.types)
    except SpecError as error:
        place.wrong(str(error))
        return ()
    if expression.stream not in (None, stream.name):
        place.wrong(f"reads stream {quoted(expression.stream)}, but only {stream.name} is here", f"{stream.name}.{expression.fields[0]}")
    elif expression.type not in wanted:
        cure = cure or (f"{text} == 1" if "boolean" in wanted else "share for a condition, mean for a number")
        place.wrong(f"gives a {expression.type}, and must give a {' or '.join(wanted)}", cure)
    else:
        return expression.fields
    return ()


def _check_default(default: Any, type: str, place: _Place) -> None:
    wanted = DEFAULTS.get(type)
    fits = default is None or (isinstance(default, wanted) if wanted else as_number(default) is not None)
    if not fits:
        place.at("default").wrong(f"{quoted(default)} is not a {type}", "a value of the same type, or no default")


def _check_join(by: str | None, source: Stream, joined: Stream, place: _Place) -> None:
    """Two streams can be read side by side if a partition holds the same entities of both."""
    own = {stream.name: stream.fields.get(by or stream.key) for stream in (source, joined)}
    absent = [name for name, field in own.items() if field is None]
    types = [field.type for field in own.values() if field is not None]
    at = place.at("by") if by else place
    if absent:
        at.wrong(f"{quoted(by)} is not a field of {absent[0]}", f"a field that {source.name} and {joined.name} share")
    elif len(set(types)) > 1:
        at.wrong(
            f"{source.name} and {joined.name} are joined by fields of different types ({' and '.join(types)})", "the same type for both"
        )
    elif by and types[0] in ("double", "timestamp"):
        at.wrong(f"{quoted(by)} is a {types[0]}: entities have a string, long or boolean", "another field")
    elif by and not by == source.key == joined.key and max(source.partitions, joined.partitions) > 1:
        cure = f"partitions: 1 for {source.name} and {joined.name}"
        at.wrong(f"{quoted(by)} is not the key of both streams, so its events lie in many partitions", cure)
    elif not by and source.key != joined.key:
        place.wrong(
            f"{source.name} is keyed by {source.key}, {joined.name} by {joined.key}", f"by: a field both have, or key: {source.key}"
        )
    elif source.partitions != joined.partitions:
        place.wrong(f"{source.name} has {source.partitions} partitions, {joined.name} {joined.partitions}", "the same number for both")
