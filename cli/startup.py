"""Loading TensorFlow without its greetings."""

import contextlib
import os


@contextlib.contextmanager
def _silent_stderr():
    # TensorFlow's C++ side writes to the file descriptor before any of its switches is read.
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def load_tensorflow() -> None:
    """Imports TensorFlow, its warnings off; an import that fails raises as usual."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _silent_stderr():
        import tensorflow
    # Its advice is for those who program with it.
    tensorflow.get_logger().setLevel("ERROR")
