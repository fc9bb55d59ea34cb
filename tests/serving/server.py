"""A stand-in for TF Serving: its documented REST and gRPC protocols, over given back ends.

usage:
    with Loader(program, path) as loader, Server({"digits": {1: loader}}) as server:
        requests.get(f"{server.rest}/v1/models/digits/metadata")
"""

import json
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import grpc
import tensorflow as tf
from google.protobuf.json_format import MessageToDict
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2
from tensorflow_serving.apis import prediction_service_pb2_grpc as service

from tests.serving.loader import LoaderError
from tests.serving.tensor_json import from_columns, from_rows, to_json

INITIALISER = "__saved_model_init_op"  # TF Serving lists it among the signatures
STATUS = grpc.StatusCode
HTTP = {
    STATUS.INVALID_ARGUMENT: 400,
    STATUS.FAILED_PRECONDITION: 400,
    STATUS.NOT_FOUND: 404,
    STATUS.INTERNAL: 500,
    STATUS.UNAVAILABLE: 503,
}
PATH = re.compile(
    r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?(:predict|/metadata)", re.IGNORECASE
)


def spoilt(change):
    """Returns what changes the array in each output: for `Faults.spoils`."""

    def spoil(outputs):
        arrays = {name: change(tf.make_ndarray(proto)) for name, proto in outputs.items()}
        return {name: tf.make_tensor_proto(array) for name, array in arrays.items()}

    return spoil


class RefusedError(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


@dataclass
class Faults:
    """What goes wrong, and from when on.

    Attributes:
        delay: Seconds before each reply.
        unavailable: How many of the next requests are answered with 503, or UNAVAILABLE.
        dies_after: Predictions until the server dies: it accepts no more connections.
        cuts: How many of the next REST replies end half-way, with the connection.
        drips: REST replies come a byte at a time.
        spoils: From an endpoint's outputs to what is answered in their place.
        body: Of every REST reply, in place of JSON.
    """

    delay: float = 0.0
    unavailable: int = 0
    dies_after: int | None = None
    cuts: int = 0
    drips: bool = False
    spoils: object = None
    body: bytes | None = None


class Server:
    """Serves models on two free ports of this machine until the `with` block ends.

    Args:
        models: By name and version: back ends with `signatures` and `run` as a `Loader`'s.
        labels: By name and label: a version.

    Attributes:
        rest, grpc: The addresses.
        faults: To be set at any time.
        seen: A tuple for each request: "metadata" or "predict", what was asked for of name,
            version and label, and for predictions the endpoint and the input arrays.
    """

    def __init__(self, models: dict, labels: dict | None = None):
        self.models, self.labels = models, labels or {}
        self.faults, self.seen, self._dead = Faults(), [], False
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._http.daemon_threads = True
        self._http.core = self
        self._http.handle_error = lambda *_: None  # clients that have gone
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._grpc = grpc.server(ThreadPoolExecutor(4))
        service.add_PredictionServiceServicer_to_server(_Servicer(self), self._grpc)
        self.rest = f"http://127.0.0.1:{self._http.server_port}"
        self.grpc = f"127.0.0.1:{self._grpc.add_insecure_port('127.0.0.1:0')}"

    def __enter__(self):
        self._thread.start()
        self._grpc.start()
        return self

    def __exit__(self, *_):
        self.die()
        self._grpc.stop(None).wait()

    def predictions(self) -> list[tuple]:
        """Returns those of the requests seen that asked for one."""
        return [request for request in self.seen if request[0] == "predict"]

    def die(self) -> None:
        """Closes both ports; requests under way break off."""
        self._dead = True
        self._http.shutdown()
        self._http.server_close()
        self._grpc.stop(None)

    def admit(self) -> None:
        """Lets a request wait, or refuses it, as the faults will have it."""
        time.sleep(self.faults.delay)
        if self._dead:
            raise ConnectionAbortedError
        if self.faults.unavailable:
            self.faults.unavailable -= 1
            raise RefusedError(STATUS.UNAVAILABLE, "The server is starting.")

    def find(self, name: str, version: int | None, label: str | None):
        """Returns a version and its back end, as ServerCore::ServableRequestFromModelSpec does."""
        if label is not None:
            version = self.labels.get(name, {}).get(label)
            if version is None:
                message = f"Unrecognized servable version label: {label}"
                raise RefusedError(STATUS.INVALID_ARGUMENT, message)
        versions = self.models.get(name, {})
        wanted = f"Latest({name})" if version is None else f"Specific({name}, {version})"
        version = max(versions, default=None) if version is None else version
        if version not in versions:
            raise RefusedError(STATUS.NOT_FOUND, f"Servable not found for request: {wanted}")
        return version, versions[version]

    def metadata(self, name, version, label):
        """Returns the reply of GetModelMetadata."""
        self.seen.append(("metadata", name, version, label))
        self.admit()
        version, model = self.find(name, version, label)
        found = get_model_metadata_pb2.SignatureDefMap()
        for key, signature in {**model.signatures, INITIALISER: SignatureDef()}.items():
            found.signature_def[key].CopyFrom(signature)
        reply = get_model_metadata_pb2.GetModelMetadataResponse()
        reply.model_spec.name = name
        reply.model_spec.version.value = version
        reply.metadata["signature_def"].Pack(found)
        return reply

    def predict(self, name, version, label, endpoint, read):
        """Returns the version and the outputs; `read` makes the inputs for a SignatureDef."""
        endpoint = endpoint or "serving_default"
        self.admit()
        version_found, model = self.find(name, version, label)
        if endpoint not in model.signatures:
            message = f'Serving signature name: "{endpoint}" not found in signature def'
            raise RefusedError(STATUS.INVALID_ARGUMENT, message)
        inputs = read(model.signatures[endpoint])
        arrays = {key: tf.make_ndarray(proto) for key, proto in inputs.items()}
        self.seen.append(("predict", name, version, label, endpoint, arrays))
        if self.faults.dies_after is not None:
            self.faults.dies_after -= 1
            if self.faults.dies_after < 0:
                self.die()
                raise ConnectionAbortedError
        try:
            outputs = model.run(endpoint, inputs)
        except LoaderError as error:
            raise RefusedError(STATUS.INVALID_ARGUMENT, str(error)) from error
        return version_found, self.faults.spoils(outputs) if self.faults.spoils else outputs


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def do_GET(self):
        self._answer("/metadata", self._metadata)

    def do_POST(self):
        self._body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(":predict", self._predict)

    def _answer(self, action, reply):
        try:
            found = PATH.fullmatch(self.path)
            if not found or found[4].lower() != action:
                message = f"Malformed request: {self.command} {self.path}"
                raise RefusedError(STATUS.INVALID_ARGUMENT, message)
            name, version, label = (unquote(part) if part else None for part in found.groups()[:3])
            status, content = 200, reply(name, int(version) if version else None, label)
        except RefusedError as error:
            status, content = HTTP[error.code], {"error": str(error)}
        except ConnectionAbortedError:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self._send(status, content)

    def _send(self, status, content):
        faults = self.server.core.faults
        data = json.dumps(content).encode() if faults.body is None else faults.body
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if faults.cuts:
            faults.cuts -= 1
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
        elif faults.drips:
            for byte in data:
                self.wfile.write(bytes([byte]))
                time.sleep(0.05)
        else:
            self.wfile.write(data)

    def _metadata(self, *asked):
        reply = self.server.core.metadata(*asked)
        found = get_model_metadata_pb2.SignatureDefMap()
        reply.metadata["signature_def"].Unpack(found)
        options = {
            "preserving_proto_field_name": True,
            "always_print_fields_with_no_presence": True,
        }
        # The two parts are printed one by one, without the @type of an Any.
        return {
            "model_spec": MessageToDict(reply.model_spec, **options),
            "metadata": {"signature_def": MessageToDict(found, **options)},
        }

    def _predict(self, *asked):
        try:
            body = json.loads(self._body)
            endpoint = body.get("signature_name", "")
        except (ValueError, AttributeError) as error:
            raise RefusedError(STATUS.INVALID_ARGUMENT, f"JSON Parse error: {error}") from error
        by_row = "instances" in body
        if by_row == ("inputs" in body):
            message = "Missing 'inputs' or 'instances' key, or both are given"
            raise RefusedError(STATUS.INVALID_ARGUMENT, message)

        def read(signature):
            try:
                if by_row:
                    return from_rows(body["instances"], signature.inputs)
                return from_columns(body["inputs"], signature.inputs)
            except ValueError as error:
                raise RefusedError(STATUS.INVALID_ARGUMENT, str(error)) from error

        _, outputs = self.server.core.predict(*asked, endpoint, read)
        values = {name: to_json(name, proto) for name, proto in outputs.items()}
        single = next(iter(values.values())) if len(values) == 1 else None
        if not by_row:
            return {"outputs": values if single is None else single}
        rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
        return {"predictions": rows if single is None else single}


class _Servicer(service.PredictionServiceServicer):
    def __init__(self, core):
        self.core = core

    def GetModelMetadata(self, request, context):  # noqa: N802
        if [*request.metadata_field] != ["signature_def"]:
            context.abort(STATUS.INVALID_ARGUMENT, "must specify the metadata_field signature_def")
        return self._answered(context, lambda: self.core.metadata(*_asked(request)))

    def Predict(self, request, context):  # noqa: N802
        def predict():
            version, outputs = self.core.predict(
                *_asked(request), request.model_spec.signature_name, lambda _: request.inputs
            )
            reply = predict_pb2.PredictResponse()
            reply.model_spec.CopyFrom(request.model_spec)
            reply.model_spec.version.value = version
            for name, proto in outputs.items():
                reply.outputs[name].CopyFrom(proto)
            return reply

        return self._answered(context, predict)

    def _answered(self, context, reply):
        try:
            return reply()
        except RefusedError as error:
            context.abort(error.code, str(error))
        except ConnectionAbortedError:
            context.abort(STATUS.UNAVAILABLE, "Socket closed")


def _asked(request):
    spec = request.model_spec
    choice = spec.WhichOneof("version_choice")
    version = spec.version.value if choice == "version" else None
    return spec.name, version, spec.version_label if choice == "version_label" else None
