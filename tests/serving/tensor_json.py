"""TF Serving's JSON of tensors: in rows and in columns, binary strings in base64.

https://www.tensorflow.org/tfx/serving/api_rest
"""

import base64

import numpy as np
import tensorflow as tf


def from_columns(columns, infos) -> dict:
    """Returns TensorProtos by name of `inputs`, for a signature's inputs."""
    if not isinstance(columns, dict) or set(columns) == {"b64"}:
        columns = dict.fromkeys([*infos][:1], columns)
    return _protos(columns, infos)


def from_rows(rows, infos) -> dict:
    """Returns TensorProtos by name of `instances`, for a signature's inputs."""
    if not isinstance(rows, list) or not rows:
        message = "Expecting 'instances' to be a list with values"
        raise ValueError(message)
    if not isinstance(rows[0], dict) or set(rows[0]) == {"b64"}:
        rows = [dict.fromkeys([*infos][:1], row) for row in rows]
    return _protos({name: [row.get(name) for row in rows] for name in rows[0]}, infos)


def _protos(columns, infos):
    if set(columns) != set(infos):
        message = f"keys must be equal to: {','.join(infos)}, received {','.join(columns)}"
        raise ValueError(message)
    return {name: _from_json(columns[name], info.dtype) for name, info in infos.items()}


def _from_json(value, dtype):
    kind = tf.dtypes.as_dtype(dtype)
    array = np.array(_decoded(value), object)
    allowed = bytes if kind == tf.string else int if kind.is_integer else (int, float)
    wrong = [item for item in array.ravel() if not isinstance(item, allowed)]
    if wrong:
        message = f"JSON Value: {wrong[0]!r} is not of expected type: {kind.name}"
        raise ValueError(message)
    return tf.make_tensor_proto(array.astype(kind.as_numpy_dtype), kind)


def _decoded(value):
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if isinstance(value, dict) and set(value) == {"b64"}:
        return base64.b64decode(value["b64"])
    return value.encode() if isinstance(value, str) else value


def to_json(name, proto):
    """Returns the value of an output; binary are those whose name ends in _bytes."""
    array = tf.make_ndarray(proto)
    if array.dtype != object:
        # As TF Serving: the shortest decimals that give this float32.
        short = array.astype(str).astype(float) if array.dtype == np.float32 else array
        return short.tolist()
    texts = [
        {"b64": base64.b64encode(item).decode()} if name.endswith("_bytes") else item.decode()
        for item in array.ravel()
    ]
    return np.array(texts, object).reshape(array.shape).tolist()
