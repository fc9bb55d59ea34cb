"""How much memory is free, asked before something large is made."""

import os
from pathlib import Path

from kgan.errors import InputError

# Of both versions of Linux's control groups: where a container's limit stands, and as what its
# statistics name the memory that it cannot give back: without the pages of mapped files.
_GROUPS = (
    ("/sys/fs/cgroup", "memory.max", "anon"),
    ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "total_rss"),
)


def available() -> int | None:
    """Returns the bytes that this process can still take, None where the system does not tell."""
    found = [_of_container(*group) for group in _GROUPS] + [_of_machine()]
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
    return InputError(
        f"{what} needs {format_bytes(size)} of memory or more, {format_bytes(left)} are free: "
        f"{fix}."
    )


def format_bytes(size: int) -> str:
    """Returns bytes in words, such as "1.5 GB"."""
    if size >= 10**15:
        return "over 1,000 TB"
    if size >= 10**9:
        return f"{size / 1e9:,.1f} GB"
    return f"{size / 1e6:,.0f} MB" if size >= 10**6 else f"{size / 1e3:,.0f} kB"


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


def _of_container(folder: str, limit: str, taken: str) -> int | None:
    try:
        left = int(Path(folder, limit).read_text())
    except (OSError, ValueError):  # none, or "max"
        return None
    try:
        lines = Path(folder, "memory.stat").read_text().splitlines()
        left -= int(dict(line.split() for line in lines)[taken])
    except (OSError, KeyError, ValueError):
        pass
    return max(left, 0)
