"""The settings of a producer."""

from dataclasses import dataclass
from typing import TypedDict

from penstock.errors import UsageError
from penstock.parking import SOURCE_BYTES_MAX
from penstock.producer.encoder import Format


class Options(TypedDict, total=False):
    """What may be said when a producer is made; see Settings."""

    topic_prefix: str
    source: str | None
    format: Format
    validate: bool
    linger_s: float
    batch_bytes: int
    buffer_bytes: int
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Settings:
    """How a producer sends.

    `topic_prefix`: of the installation. `source` names the sender: a source can be parked. `format`: Avro with the stream's current
    schema, or JSON. `validate=False` sends as JSON just what is given. `linger_s`: so long an event waits for others; `batch_bytes`: about
    so much is on its way at once. `buffer_bytes`: more is never held, `send` and `send_soon` wait. `timeout_s`: an event that is not
    acknowledged by then has failed; so long a producer tries to start.
    """

    topic_prefix: str = ""
    source: str | None = None
    format: Format = "avro"
    validate: bool = True
    linger_s: float = 0.005
    batch_bytes: int = 1_000_000
    buffer_bytes: int = 32_000_000
    timeout_s: float = 120.0

    def __post_init__(self) -> None:
        """Raises: UsageError for what cannot be meant."""
        if self.format not in ("avro", "json"):
            raise UsageError(f"format {self.format!r} is unknown. Try: avro, or json")
        if self.source is not None and not 0 < len(self.source.encode(errors="replace")) <= SOURCE_BYTES_MAX:
            raise UsageError(f"source is a text of 1 to {SOURCE_BYTES_MAX} bytes")
        if self.linger_s < 0 or min(self.batch_bytes, self.buffer_bytes, self.timeout_s) <= 0:
            raise UsageError("linger_s is 0 or more; batch_bytes, buffer_bytes and timeout_s are more than 0")
