"""Which number format the networks compute in."""

from pathlib import Path

import tensorflow as tf


def resolve(precision: str) -> str:
    """Returns "float32", "bfloat16" or "float16"; "auto" is bfloat16 where the hardware is fast.

    That is a GPU of compute capability 8 or more, or a CPU whose flags name AMX or AVX-512 bf16:
    elsewhere bfloat16 is emulated and far slower than float32.
    """
    if precision != "auto":
        return precision
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        capability = tf.config.experimental.get_device_details(gpus[0]).get("compute_capability")
        return "bfloat16" if capability and capability[0] >= 8 else "float32"
    try:
        flags = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return "float32"
    return "bfloat16" if flags & {"amx_bf16", "avx512_bf16"} else "float32"


def policy(precision: str) -> str:
    """Returns the Keras dtype policy: float32 variables whatever the networks compute in."""
    return precision if precision == "float32" else f"mixed_{precision}"
