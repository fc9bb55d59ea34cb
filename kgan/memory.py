"""How much memory is free, asked before something large is made."""

import os
from pathlib import Path

from kgan.errors import InputError

# What a container may take in all: of both versions of Linux's control groups.
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def available() -> int | None:
    """Returns the bytes that this process can still take, None where the system does not tell."""
    found = [_of_container(limit) for limit in _LIMITS] + [_of_machine()]
    return min((size for size in found if size is not None), default=None)


def require(size: int, what: str, fix: str) -> None:
    """Checks that there is room for something.

    Args:
        size: Bytes that it takes at least.
        what: What takes them, to begin a sentence with.
        fix: What to do where there is no room.

    Raises:
        InputError: There is none.
    """
    left = available()
    if left is not None and size > left:
        raise too_large(size, left, what, fix)


def too_large(size: int, left: int, what: str, fix: str) -> InputError:
    """Returns the error for what needs more than there is: see `require`."""
    return InputError(f"{what} needs {told(size)} of memory or more, {told(left)} are free: {fix}.")


def told(size: int) -> str:
    """Returns bytes in words, such as "1.5 GB"."""
    if size >= 10**15:
        return "over 1,000 TB"
    return f"{size / 1e9:,.1f} GB" if size >= 10**9 else f"{size / 1e6:,.0f} MB"


def _of_machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        fields = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
        return fields["MemAvailable"] + fields["SwapFree"]
    except (OSError, KeyError, IndexError, ValueError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _of_container(limit: str) -> int | None:
    try:
        return int(Path(limit).read_text())
    except (OSError, ValueError):  # none, or "max"
        return None
