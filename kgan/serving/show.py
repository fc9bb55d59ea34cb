"""Requests to a server, as commands to paste, made from a SavedModel's signatures."""

import json
import keyword
import re
import shlex
import textwrap
from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo

from kgan import names
from kgan.errors import InputError
from kgan.serving.assets import described
from kgan.serving.saved import signatures
from kgan.serving.server_files import CONFIG, LABELS_FLAG, MOUNTED

WIDTH = 100  # columns of a line of Python
REST, GRPC = "localhost:8501", "localhost:8500"
# What JSON and NumPy can write.
_TYPES = ("uint8", "int32", "int64", "float32", "float64", "string")


def show(path: str | Path, rest: str = REST, grpc: str = GRPC) -> str:
    """Returns how to start TF Serving, and a REST and a gRPC request for each endpoint.

    Args:
        path: A version's folder, `root/name/version`.
        rest: The server's address for REST.
        grpc: The server's address for gRPC.

    Returns:
        Markdown.

    Raises:
        InputError: It is no SavedModel, or one whose names or types fit in no command.
    """
    path = Path(path).absolute()
    found = signatures(path)
    found.pop("serving_default", None)
    if not (found and re.fullmatch("[0-9]+", path.name)):
        raise InputError(
            f"{path} is no SavedModel with endpoints: expected a folder NAME/VERSION, the version "
            "a number."
        )
    if not str(path).isprintable():
        raise InputError(f"{path}: no command can hold such characters; rename the folder.")
    name = path.parent.name
    names.check_model("The model's name", name)
    for key, signature in found.items():
        names.check_model(f"An endpoint of {path}", key)
        _check_arguments(signature, f"{path}, endpoint {key}")
    parts = [
        "Start the server, with Docker or without:",
        _block("sh", _start(path.parents[1])),
        "REST:",
        _block("sh", "\n".join(_rest(name, key, found[key], rest) for key in sorted(found))),
        "gRPC, in Python (`pip install tensorflow-serving-api`):",
        _block("python", _grpc(name, found, grpc)),
    ]
    return "\n\n".join(parts) + "\n"


def _check_arguments(signature: SignatureDef, place: str) -> None:
    """Checks what goes into commands of an endpoint's inputs and outputs.

    Raises:
        InputError: A name is none in Python, or a type cannot be written as JSON.
    """
    for name, info in (*signature.inputs.items(), *signature.outputs.items()):
        if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) or keyword.iskeyword(name):
            raise InputError(f"{place}: {name!r} is no name of an input or output in Python.")
        if _type(info) not in _TYPES:
            raise InputError(
                f"{place}: {name} is of the type {info.dtype}, expected {', '.join(_TYPES)}."
            )


def _type(info: TensorInfo) -> str | None:
    try:
        return tf.as_dtype(info.dtype).name
    except TypeError:
        return None


def _block(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"


def _start(root: Path) -> str:
    if root.parent == Path.cwd():
        here, whole = shlex.quote(root.name), f'"$PWD"/{shlex.quote(root.name)}'
    else:
        here = whole = shlex.quote(str(root))
    return (
        f"kgan export --models-config --out {here}\n"
        f"docker run --rm -p 8500:8500 -p 8501:8501 -v {whole}:{MOUNTED}:ro \\\n"
        f"  tensorflow/serving --model_config_file={MOUNTED}/{CONFIG} {LABELS_FLAG}\n"
        "# or\n"
        f"kgan export --models-config --out {here} --base-path {whole}\n"
        f"tensorflow_model_server --port=8500 --rest_api_port=8501 \\\n"
        f"  --model_config_file={whole}/{CONFIG} {LABELS_FLAG}"
    )


def _rest(name: str, key: str, signature: SignatureDef, address: str) -> str:
    """Returns a command that sends two rows, or one file."""
    url = shlex.quote(f"http://{address}/v1/models/{name}:predict")
    comment = f"# {key}: {_described(signature)}\n"
    inputs = signature.inputs
    if all(len(info.tensor_shape.dim) == 1 and _type(info) != "string" for info in inputs.values()):
        values = {argument: _numbers(argument) for argument in sorted(inputs)}
        body = {"signature_name": key, "inputs": values}
        return f"{comment}curl -sS -d {shlex.quote(json.dumps(body))} {url}"
    rows = ", ".join(f'"{argument}": {_json_rows(inputs[argument])}' for argument in sorted(inputs))
    used = {"base64" if _type(info) == "string" else "numpy" for info in inputs.values()}
    program = (
        f"import {', '.join(sorted({'json', *used}))}; inputs = {{{rows}}}; "
        f'print(json.dumps({{"signature_name": "{key}", "inputs": inputs}}))'
    )
    return f"{comment}python -c {shlex.quote(program)} |\n  curl -sS -d @- {url}"


def _numbers(argument: str) -> list[int]:
    """Returns two numbers that an input takes: every model has a class 0."""
    return [0, 0] if argument == "labels" else [1, 2]


def _json_rows(info: TensorInfo) -> str:
    if _type(info) == "string":
        return '[{"b64": base64.b64encode(open("image.png", "rb").read()).decode()}]'
    return f'numpy.zeros({_shape(info)}, "{_type(info)}").tolist()'


def _grpc(name: str, found: dict[str, SignatureDef], address: str) -> str:
    lines = [
        textwrap.dedent(f'''\
        import grpc
        import numpy as np
        import tensorflow as tf
        from tensorflow_serving.apis.predict_pb2 import PredictRequest
        from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

        server = PredictionServiceStub(grpc.insecure_channel("{address}"))


        def predict(signature, /, **inputs):
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
        inputs = found[key].inputs
        rows = [f"{argument}={_array(argument, inputs[argument])}" for argument in sorted(inputs)]
        arguments = ", ".join([f'"{key}"', *rows])
        line = f"outputs = predict({arguments})"
        lines.append(line if len(line) <= WIDTH else f"outputs = predict(\n    {arguments}\n)")
    return "\n".join(lines)


def _array(argument: str, info: TensorInfo) -> str:
    if _type(info) == "string":
        return 'np.array([tf.io.read_file("image.png").numpy()], object)'
    if len(info.tensor_shape.dim) == 1:
        return f'np.array({_numbers(argument)}, "{_type(info)}")'
    return f'np.zeros({_shape(info)}, "{_type(info)}")'


def _shape(info: TensorInfo) -> list[int]:
    """Returns the shape of two rows."""
    return [2, *(max(dim.size, 1) for dim in info.tensor_shape.dim[1:])]


def _described(signature: SignatureDef) -> str:
    def tensors(infos):
        return ", ".join(f"{name} {described(info)}" for name, info in sorted(infos.items()))

    return f"{tensors(signature.inputs)} -> {tensors(signature.outputs)}"
