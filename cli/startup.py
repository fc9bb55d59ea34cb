"""Loading TensorFlow for a command."""


def load_tensorflow() -> None:
    """Imports TensorFlow, its warnings off; an import that fails raises as usual."""
    from kgan.startup import silent_tensorflow

    with silent_tensorflow():
        import tensorflow
    # Its advice is for those who program with it.
    tensorflow.get_logger().setLevel("ERROR")
