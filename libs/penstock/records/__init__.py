"""The records of the platform: their types, their schemas and how they stand on the wire."""

from penstock.records.generated import (
    Cut,
    DriftDetected,
    Features,
    FeatureVector,
    Label,
    Origin,
    Outcome,
    Prediction,
    Rebuilt,
    RegistryEntry,
    Rewound,
    Serve,
    SpecApplied,
    Tick,
)
from penstock.records.schemas import SchemaRegistry, platform_schema, with_features
from penstock.records.wire import Wire, Writer, event_time_ms

__all__ = [
    "Cut",
    "DriftDetected",
    "FeatureVector",
    "Features",
    "Label",
    "Origin",
    "Outcome",
    "Prediction",
    "Rebuilt",
    "RegistryEntry",
    "Rewound",
    "SchemaRegistry",
    "Serve",
    "SpecApplied",
    "Tick",
    "Wire",
    "Writer",
    "event_time_ms",
    "platform_schema",
    "with_features",
]
