"""Strategies by name, and the workers that TF_CONFIG names, without loading TensorFlow."""

import json
import os

from kgan.errors import InputError
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
    try:
        values = json.loads(text)
        if isinstance(values, dict) and isinstance(values.get("cluster", {}), dict):
            return values
    except json.JSONDecodeError:
        pass
    raise InputError(f"TF_CONFIG is {text!r}: expected JSON, such as {EXAMPLE}")


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
