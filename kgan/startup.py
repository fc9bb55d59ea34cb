"""Loading TensorFlow without its greetings."""

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def silent_tensorflow() -> Iterator[None]:
    """Keeps what TensorFlow says while it is first imported off the terminal.

    Nothing changes where it is imported already, or where TF_CPP_MIN_LOG_LEVEL asks for more than
    its silence, which is 3.
    """
    loaded = "tensorflow" in sys.modules
    if loaded or os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") != "3":
        yield
        return
    # Its C++ side writes to the file descriptor before any of its switches is read.
    try:
        kept = os.dup(2)
    except OSError:  # It is closed.
        yield
        return
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
