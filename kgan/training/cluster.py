"""Strategies by name, and the workers that TF_CONFIG names, without loading TensorFlow."""

import contextlib
import json
import os

from kgan.errors import InputError, shown
from kgan.tables import Table

STRATEGIES = Table(
    __package__,
    {
        "single": "strategy:single",
        "mirrored": "strategy:mirrored",
        "multiworker": "strategy:multiworker",
        "tpu": "strategy:tpu",
    },
)
EXAMPLE = (
    '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'
)


def read() -> dict:
    """Returns what TF_CONFIG holds, an empty dictionary where it is not set.

    Raises:
        InputError: It is no JSON, or tells no cluster.
    """
    text = os.environ.get("TF_CONFIG") or "{}"
    with contextlib.suppress(ValueError, RecursionError):
        values = json.loads(text)
        if isinstance(values, dict) and _tells_a_cluster(values):
            return values
    raise InputError(f"TF_CONFIG is {shown(text)}: expected JSON, such as {EXAMPLE}")


def _tells_a_cluster(values: dict) -> bool:
    jobs, task = values.get("cluster", {}), values.get("task", {})
    if not (isinstance(jobs, dict) and isinstance(task, dict)):
        return False
    lists = all(isinstance(addresses, list) for addresses in jobs.values())
    return lists and all(isinstance(one, str) for addresses in jobs.values() for one in addresses)


def members() -> dict[str, list[str]]:
    """Returns the addresses in TF_CONFIG by job."""
    return read().get("cluster", {})


def several(strategy: str = "auto") -> bool:
    """Returns whether a strategy is "multiworker": so named, or "auto" where workers are several.

    Args:
        strategy: "auto", or a name in `STRATEGIES`.
    """
    if strategy != "auto":
        return strategy == "multiworker"
    return len(members().get("worker", [])) + len(members().get("chief", [])) > 1
