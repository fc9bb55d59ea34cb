"""The same bits from the same step."""

import os

import tensorflow as tf


def enable() -> None:
    """Turns on TensorFlow's op determinism, for the whole process."""
    tf.config.experimental.enable_op_determinism()


def threads() -> dict[str, int]:
    """Returns how many threads TensorFlow computes with, within an operation and across them.

    Sums are cut into as many parts, and so rounded otherwise by another number.
    """
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    asked = tf.config.threading
    return {
        "intra_op": asked.get_intra_op_parallelism_threads() or _asked("INTRAOP") or cores,
        "inter_op": asked.get_inter_op_parallelism_threads() or _asked("INTEROP") or cores,
    }


def _asked(kind: str) -> int:
    text = os.environ.get(f"TF_NUM_{kind}_THREADS", "")
    return int(text) if text.isascii() and text.isdigit() else 0
