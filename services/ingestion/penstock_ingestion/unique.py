"""Values that no two events of a partition may share inside a window, field by field."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from penstock.contract.rules import Violation
from penstock.fold.protocol import Segment
from penstock.spec import Field
from penstock.spec.field import REJECT
from penstock_ingestion.duplicates import NO_PAYLOAD, RecentIds


class UniqueValues:
    """The recent values of every field that is declared unique; null is no value. Memory: as of an event id, for each such field."""

    def __init__(self, fields: Iterable[Field]) -> None:
        self._seen = {
            field.name: (field.policy("not_unique"), RecentIds(field.unique_ms, f"unique.{field.name}"))
            for field in fields
            if field.unique_ms is not None
        }

    def __len__(self) -> int:
        return len(self._seen)

    def check(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """A note for each value that is known and may be. Raises: Violation("not_unique") for one that may not."""
        notes = []
        for name, (policy, seen) in self._seen.items():
            if values[name] is None or seen.first(str(values[name]), NO_PAYLOAD) is None:
                continue
            if policy == REJECT:
                raise Violation("not_unique", name, "has a value that another event of the window has")
            notes.append(f"warned.{name}.not_unique")
        return tuple(notes)

    def remember(self, values: Mapping[str, Any], offset: int, clock_ms: int) -> None:
        """Keep the values of an event, and forget those whose window has passed."""
        for name, (_, seen) in self._seen.items():
            seen.forget(clock_ms)
            value = values[name]
            if value is not None and seen.first(str(value), NO_PAYLOAD) is None:
                seen.remember(str(value), NO_PAYLOAD, offset, clock_ms)

    def capture(self) -> tuple[dict[str, Any], list[Segment]]:
        """The state as manifests by field, and their segments."""
        captured = {name: seen.capture() for name, (_, seen) in self._seen.items()}
        return {name: manifest for name, (manifest, _) in captured.items()}, [each for _, found in captured.values() for each in found]

    def restore(self, manifests: Mapping[str, Any], segments: Sequence[Segment]) -> None:
        """Take back what `capture` gave; a field that became unique since then begins empty."""
        for name in self._seen.keys() & manifests.keys():
            self._seen[name][1].restore(manifests[name], segments)
