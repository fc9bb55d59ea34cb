"""What lies beside a served graph: requests to warm it up, and what is known of the model."""

import json
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo

import kgan
from kgan.serving.saved import signatures

KNOWN = (
    "image_shape",
    "latent_dim",
    "code_size",
    "num_classes",
    "class_names",
    "class_frequencies",
)


def write_assets(path: Path, model: keras.Model, name: str, about: dict) -> None:
    """Writes assets.extra/ of a SavedModel.

    kgan.json holds the family, shapes, endpoints and versions. tf_serving_warmup_requests holds a
    `PredictionLog` for each endpoint, which TF Serving sends itself before it takes requests.

    Args:
        path: The version's folder.
        model: What was exported.
        name: As which.
        about: What more is to be in kgan.json, such as the run and its scores.
    """
    place, endpoints = path / "assets.extra", signatures(path)
    place.mkdir()
    found = {
        "family": type(model).__name__,
        **{key: getattr(model, key) for key in KNOWN if getattr(model, key, None) is not None},
        "step": int(model.step.numpy()),
        "endpoints": {
            key: {"inputs": _described(found.inputs), "outputs": _described(found.outputs)}
            for key, found in sorted(endpoints.items())
        },
        "kgan": kgan.__version__,
        "tensorflow": tf.__version__,
        **about,
    }
    text = json.dumps(found, indent=2, allow_nan=False) + "\n"
    (place / "kgan.json").write_text(text, encoding="utf-8")
    with tf.io.TFRecordWriter(str(place / "tf_serving_warmup_requests")) as file:
        for key, signature in sorted(endpoints.items()):
            inputs = {
                argument: tf.make_tensor_proto(_row(info, model)).SerializeToString()
                for argument, info in signature.inputs.items()
            }
            file.write(_prediction_log(name, key, inputs))


def _described(tensors: Mapping[str, TensorInfo]) -> dict[str, str]:
    return {key: described(info) for key, info in sorted(tensors.items())}


def described(info: TensorInfo) -> str:
    """Returns type and shape, such as "uint8 (n, 8, 8, 1)"."""
    sizes = ["n" if dim.size < 0 else str(dim.size) for dim in info.tensor_shape.dim]
    return f"{tf.as_dtype(info.dtype).name} ({', '.join(sizes)})"


def _row(info: TensorInfo, model: keras.Model) -> np.ndarray:
    """Returns one row that an endpoint can take."""
    dtype = tf.as_dtype(info.dtype)
    if dtype == tf.string:
        file = tf.io.encode_png(tf.zeros(model.image_shape, tf.uint8))
        return np.array([file.numpy()], object)
    return np.zeros([1, *(dim.size for dim in info.tensor_shape.dim[1:])], dtype.as_numpy_dtype)


def _prediction_log(model: str, signature: str, inputs: Mapping[str, bytes]) -> bytes:
    """Returns a tensorflow.serving.PredictionLog of a PredictRequest.

    By hand, since its Python classes come with tensorflow-serving-api alone; the numbers are those
    of the fields in TF Serving's .proto files.
    """
    entries = [_field(1, name.encode()) + _field(2, value) for name, value in inputs.items()]
    specification = _field(1, model.encode()) + _field(3, signature.encode())
    request = _field(1, specification) + b"".join(_field(2, entry) for entry in entries)
    return _field(6, _field(1, request))


def _field(number: int, value: bytes) -> bytes:
    """Returns a length-delimited field of a protocol buffer."""
    key, size = [number << 3 | 2], len(value)
    while size > 127:
        key.append(size & 127 | 128)
        size >>= 7
    return bytes([*key, size]) + value
