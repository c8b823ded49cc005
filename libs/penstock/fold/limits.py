"""Law V, all is bounded: every limit of the runner, by name and with its unit."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What a runner never exceeds."""

    round_records_max: int = 2_000
    """Records folded before their outputs are sent together."""
    buffer_records_max: int = 5_000
    """Records of one input that wait for another one before that input is paused."""
    output_bytes_max: int = 1_000_000
    """Key, value and headers of one output; more makes its input poison."""
    resolve_tries_max: int = 10
    """How often one step may miss the same thing after it was brought."""
    poll_ms: int = 100
    """How long to wait for records before looking at everything else."""
    poll_hang_s: float = 60.0
    """A poll that has not come back for so long: the consumer is rebuilt."""
    step_s: float = 0.005
    """Folding without a breath for the event loop."""
    merge_wait_s: float = 0.1
    """How long a record waits for an input that is read to its end (Kafka Streams' `max.task.idle.ms`, KIP-695)."""
    idle_after_s: float = 0.5
    """An input that has been at its end for so long is idle; one that moves says so as often."""
    idle_again_max_s: float = 30.0
    """The longest time until an idle input says so again; it begins with `idle_after_s` and doubles."""
    snapshot_every_s: float = 2.0
    """The shortest time between two snapshots of one fold."""
    snapshot_cost_factor: float = 20.0
    """The time between two snapshots, in costs of the last one: snapshots take at most 1/20 of the time."""
    snapshot_wait_max_s: float = 30.0
    """But no longer: a database that was slow or away for a while must not make the next crash a long one."""
    stall_s: float = 15.0
    """A partition that is behind and has not moved for so long: the consumer is rebuilt."""
    stall_check_s: float = 5.0
    """How often a silent partition is compared with the end of its log."""
    backoff_first_s: float = 0.1
    backoff_last_s: float = 5.0
    """The first and the longest wait for weather (times jitter)."""
    healthy_after_s: float = 10.0
    """After so long without an error the wait starts from the first again."""
    stop_s: float = 10.0
    """How long a clean stop may take before it becomes an unclean one."""
