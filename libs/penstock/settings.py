"""The settings of a process: environment variables with the prefix PENSTOCK_, checked once at start."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX_CHARACTERS_MAX = 40  # a name has 63 bytes in PostgreSQL


class Settings(BaseSettings):
    """Where a process finds the others and where it listens; everything else comes through the log or the spec."""

    model_config = SettingsConfigDict(env_prefix="PENSTOCK_", extra="ignore", frozen=True)

    bootstrap: str = "127.0.0.1:9092"
    dsn: str = "postgresql://penstock@127.0.0.1:5432/penstock"
    registry: str = "127.0.0.1:7101"
    schema_registry_url: str = "http://127.0.0.1:8081"
    topic_prefix: str = Field(default="", pattern=r"^[A-Za-z0-9._-]*$", max_length=PREFIX_CHARACTERS_MAX)  # of topics, groups and schemas
    bind: str = "127.0.0.1"
    ops_port: int = 0
    grpc_port: int = 0
    http_port: int = 0
    http_requests_max: int = Field(default=32, ge=1)  # of ingestion's gateway at once; each may hold some megabytes
    http_rate_max: float = Field(default=0, ge=0)  # a second; 0: no limit
    instance: str = "0"
    log_level: str = "info"
    crash_at: str = ""  # see penstock.crashpoint


def schema_of(prefix: str, service: str) -> str:
    """The PostgreSQL schema of a service, in the installation with this prefix."""
    return f"{prefix}penstock_{service}"
