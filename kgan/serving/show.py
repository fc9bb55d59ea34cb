"""Requests to a server, as commands to paste, made from a SavedModel's signatures."""

import shlex
import textwrap
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo

from kgan.errors import InputError
from kgan.serving.assets import described
from kgan.serving.export import CONFIG, MOUNTED
from kgan.serving.saved import signatures

REST, GRPC = "localhost:8501", "localhost:8500"


def show(path: str | Path, rest: str = REST, grpc: str = GRPC) -> str:
    """Returns how to start TF Serving, and a REST and a gRPC request for each endpoint.

    Args:
        path: A version's folder, `root/name/version`.
        rest: The server's address for REST.
        grpc: The server's address for gRPC.

    Returns:
        Markdown.

    Raises:
        InputError: It is no SavedModel.
    """
    path = Path(path).absolute()
    root = path.parents[1]
    if root.parent == Path.cwd():
        place, mounted = root.name, f"$PWD/{root.name}"
    else:
        place = mounted = str(root)
    found = signatures(path)
    found.pop("serving_default", None)
    if not found:
        raise InputError(f"{path} is no SavedModel with endpoints: expected a folder NAME/VERSION.")
    name = path.parent.name
    parts = [
        "Start the server (Docker):",
        _block(
            "sh",
            f"kgan export --models-config --out {shlex.quote(place)}\n"
            f'docker run --rm -p 8500:8500 -p 8501:8501 -v "{mounted}:{MOUNTED}:ro" \\\n'
            f"  tensorflow/serving --model_config_file={MOUNTED}/{CONFIG}",
        ),
        "REST:",
        _block("sh", "\n".join(_rest(name, key, found[key], rest) for key in sorted(found))),
        "gRPC, in Python (`pip install tensorflow-serving-api`):",
        _block("python", _grpc(name, found, grpc)),
    ]
    return "\n\n".join(parts) + "\n"


def _block(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"


def _rest(name: str, key: str, signature: SignatureDef, address: str) -> str:
    """Returns a `curl` command that sends two rows, or one file."""
    url = f"http://{address}/v1/models/{name}:predict"
    (argument, info), *_ = signature.inputs.items()
    comment = f"# {key}: {_described(signature)}\n"
    if info.dtype == tf.string.as_datatype_enum:
        value = f'{{"{argument}": [{{"b64": "\'$(base64 -w 0 image.png)\'"}}]}}'
    elif len(info.tensor_shape.dim) == 1:
        value = f'{{"{argument}": [1, 2]}}'
    else:
        shape, dtype = _rows(info)
        program = (
            f"import json, numpy; rows = numpy.zeros({shape}, '{dtype}').tolist(); "
            f"print(json.dumps({{'signature_name': '{key}', 'inputs': {{'{argument}': rows}}}}))"
        )
        return f'{comment}python -c "{program}" |\n  curl -sS -d @- {url}'
    body = f'{{"signature_name": "{key}", "inputs": {value}}}'
    return f"{comment}curl -sS -d '{body}' {url}"


def _grpc(name: str, found: dict[str, SignatureDef], address: str) -> str:
    lines = [
        textwrap.dedent(f'''\
        import grpc
        import numpy as np
        import tensorflow as tf
        from tensorflow_serving.apis.predict_pb2 import PredictRequest
        from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

        server = PredictionServiceStub(grpc.insecure_channel("{address}"))


        def predict(signature, **inputs):
            request = PredictRequest()
            request.model_spec.name = "{name}"
            request.model_spec.signature_name = signature
            for name, value in inputs.items():
                request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
            outputs = server.Predict(request, timeout=30).outputs
            return {{name: tf.make_ndarray(value) for name, value in outputs.items()}}

        ''')
    ]
    for key in sorted(found):
        (argument, info), *_ = found[key].inputs.items()
        shape, dtype = _rows(info)
        if info.dtype == tf.string.as_datatype_enum:
            value = 'np.array([open("image.png", "rb").read()], object)'
        elif len(shape) == 1:
            value = f'np.array([1, 2], "{dtype}")'
        else:
            value = f'np.zeros({shape}, "{dtype}")'
        lines.append(f'outputs = predict("{key}", {argument}={value})')
    return "\n".join(lines)


def _rows(info: TensorInfo) -> tuple[list[int], str]:
    """Returns shape and type of two rows."""
    shape = [2, *(dim.size for dim in info.tensor_shape.dim[1:])]
    return shape, np.dtype(tf.as_dtype(info.dtype).as_numpy_dtype).name


def _described(signature: SignatureDef) -> str:
    def tensors(infos):
        return ", ".join(f"{name} {described(info)}" for name, info in sorted(infos.items()))

    return f"{tensors(signature.inputs)} -> {tensors(signature.outputs)}"
