"""Where the platform that is looked at answers, and what its topics are called."""

from dataclasses import dataclass

from penstock.local.state import StackAddresses
from penstock.settings import Settings


@dataclass(frozen=True, slots=True)
class Where:
    """Where a platform answers; `prefix` stands before its topics."""

    bootstrap: str
    dsn: str
    registry: str
    schema_registry_url: str
    trainer: str
    prefix: str = ""

    def topic(self, family: str, name: str) -> str:
        """A topic's full name."""
        return f"{self.prefix}{family}.{name}"


def where(at: StackAddresses) -> Where:
    """These addresses, with the prefix of the environment."""
    return Where(at.bootstrap, at.dsn, at.registry, at.schema_registry_url, at.trainer, Settings().topic_prefix)
