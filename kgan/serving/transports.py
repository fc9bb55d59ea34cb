"""TF Serving's two ways to a model: its REST API, and gRPC.

Both know `metadata(version)`, which returns the version's number and its endpoints, and `predict`,
which returns an endpoint's one output for its one input.
"""

import json
import re
import time
from urllib.parse import quote, urlsplit

import numpy as np
import requests
import tensorflow as tf
import urllib3
from google.protobuf.json_format import ParseDict, ParseError
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from kgan.errors import InputError

ATTEMPTS = 5  # gRPC allows no more
BACKOFF = 0.5  # seconds before the second attempt, doubled before each further one


class MissingError(Exception):
    """The server has no such model, version or label: the message is its own."""


def _endpoints(signatures):
    # TensorFlow lists its own initialiser among the endpoints.
    return {name: signatures[name] for name in sorted(signatures) if not name.startswith("__")}


def _line(text):
    """Returns a server's text as one line, cut where no reader would go on."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line if len(line) <= 300 else f"{line[:300]}..."


def _bad_address(server):
    return InputError(
        f"--server {server}: expected http://HOST:PORT for REST, by default port 8501, or "
        "HOST:PORT for gRPC, by default port 8500."
    )


def _unavailable(server, reason):
    return InputError(
        f"No TF Serving answers at {server} ({_line(reason)}): check that it runs, and the address:"
        " http://HOST:8501 for REST, HOST:8500 for gRPC, unless its ports were changed."
    )


def _too_slow(server, timeout):
    return InputError(
        f"{server} gave no whole answer within {timeout:g} seconds: check that it runs, allow more "
        "with --timeout, or ask for fewer images a request with --server-batch."
    )


class Rest:
    """TF Serving's REST API, https://www.tensorflow.org/tfx/serving/api_rest."""

    def __init__(self, server, name, timeout):
        try:
            parts = urlsplit(server)
            if not parts.hostname or parts.port == 0 or parts.query or parts.fragment:
                raise _bad_address(server)
        except ValueError as error:
            raise _bad_address(server) from error
        self._server, self._timeout = server, timeout
        self._model = f"{server.rstrip('/')}/v1/models/{quote(name, safe='')}"
        self._session = requests.Session()

    def metadata(self, version):
        reply = self._call("GET", version, "/metadata")
        try:
            found = reply["metadata"]["signature_def"]["signature_def"]
            signatures = {
                name: ParseDict(found[name], SignatureDef(), ignore_unknown_fields=True)
                for name in found
            }
            return int(reply["model_spec"]["version"]), _endpoints(signatures)
        except (AttributeError, KeyError, TypeError, ValueError, ParseError) as error:
            raise InputError(
                f"{self._server} answered with no model's metadata: expected TF Serving there."
            ) from error

    def predict(self, version, endpoint, argument, rows):
        body = {"signature_name": endpoint, "inputs": {argument: rows.tolist()}}
        reply = self._call("POST", version, ":predict", json=body)
        try:
            return np.array(reply["outputs"])
        except (KeyError, TypeError, ValueError) as error:  # the last if lists differ in length
            raise InputError(
                f"{self._server} answered with no array `outputs`: look at the server."
            ) from error

    def fits(self, found, dtype):
        """JSON's numbers are either integers or not."""
        return found.kind == {"u": "i", "f": "f"}[dtype.kind]

    def _call(self, method, version, action, **body):
        kind = "labels" if isinstance(version, str) else "versions"
        chosen = "" if version is None else f"/{kind}/{quote(str(version), safe='')}"
        status, content = self._answer(method, f"{self._model}{chosen}{action}", **body)
        try:
            reply = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{self._server} answered {status} {_line(content)!r}, expected JSON: check "
                "that TF Serving is there."
            ) from error
        if status == 200:
            return reply
        reason = _line(reply.get("error", content) if isinstance(reply, dict) else content)
        # A label that does not exist is a bad request.
        if status == 404 or (status == 400 and isinstance(version, str)):
            raise MissingError(reason)
        raise InputError(f"{self._server} refused, with HTTP status {status}: {reason}")

    def _answer(self, method, url, **body):
        deadline = time.monotonic() + self._timeout
        for attempt in range(ATTEMPTS):
            try:
                status, content = self._attempt(method, url, deadline, **body)
                if status != 503:
                    return status, content
                reason = f"503 {content}"
            except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
                raise _too_slow(self._server, self._timeout) from error
            except (requests.exceptions.InvalidURL, UnicodeError) as error:
                raise _bad_address(self._server) from error
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                reason = error
                while reason.__context__:
                    reason = reason.__context__
            pause = BACKOFF * 2**attempt
            if attempt + 1 == ATTEMPTS or time.monotonic() + pause >= deadline:
                raise _unavailable(self._server, reason)
            time.sleep(pause)

    def _attempt(self, method, url, deadline, **body):
        """Returns status and content; urllib3's own timeout starts anew with each byte."""
        left = max(deadline - time.monotonic(), 1e-3)
        content = []
        with self._session.request(
            method, url, timeout=left, stream=True, allow_redirects=False, **body
        ) as response:
            while part := response.raw.read1(2**16, decode_content=True):
                content.append(part)
                if time.monotonic() > deadline:
                    raise requests.Timeout
            return response.status_code, b"".join(content).decode(errors="replace")


class Grpc:
    """TF Serving's gRPC API, prediction_service.proto."""

    def __init__(self, server, name, timeout):
        found = re.fullmatch(r"(?:\[[0-9a-fA-F:.]+\]|[^\s/:@\[\]]+):([0-9]{1,5})", server)
        if not found or not 0 < int(found[1]) < 2**16:
            raise _bad_address(server)
        try:
            import grpc
            from tensorflow_serving.apis import get_model_metadata_pb2 as metadata
            from tensorflow_serving.apis import predict_pb2 as predict
            from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub
        except ImportError as error:
            raise InputError(
                f"--server {server}: gRPC needs a package that is missing ({error}): run pip "
                "install tensorflow-serving-api, or give the REST API's address, http://HOST:8501."
            ) from error
        self._server, self._name, self._timeout = server, name, timeout
        self._grpc, self._metadata, self._predict = grpc, metadata, predict
        retries = {
            "maxAttempts": ATTEMPTS,
            "initialBackoff": f"{BACKOFF}s",
            "maxBackoff": f"{BACKOFF * 2**ATTEMPTS}s",
            "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE"],
        }
        config = {"methodConfig": [{"name": [{}], "retryPolicy": retries}]}
        options = {
            "grpc.max_receive_message_length": -1,
            "grpc.max_send_message_length": -1,
            "grpc.service_config": json.dumps(config),
        }
        self._stub = PredictionServiceStub(grpc.insecure_channel(server, [*options.items()]))

    def metadata(self, version):
        request = self._metadata.GetModelMetadataRequest(metadata_field=["signature_def"])
        reply = self._call(self._stub.GetModelMetadata, request, version)
        found = self._metadata.SignatureDefMap()
        if not reply.metadata["signature_def"].Unpack(found):
            raise InputError(
                f"{self._server} answered with no model's metadata: expected TF Serving there."
            )
        return reply.model_spec.version.value, _endpoints(found.signature_def)

    def predict(self, version, endpoint, argument, rows):
        request = self._predict.PredictRequest()
        request.model_spec.signature_name = endpoint
        request.inputs[argument].CopyFrom(tf.make_tensor_proto(rows))
        reply = self._call(self._stub.Predict, request, version)
        try:
            (output,) = reply.outputs.values()
            return tf.make_ndarray(output)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{self._server} answered with no array: look at the server."
            ) from error

    def fits(self, found, dtype):
        return found == dtype

    def _call(self, method, request, version):
        request.model_spec.name = self._name
        if isinstance(version, str):
            request.model_spec.version_label = version
        elif version is not None:
            request.model_spec.version.value = version
        codes = self._grpc.StatusCode
        try:
            return method(request, timeout=self._timeout)
        except self._grpc.RpcError as error:
            code, reason = error.code(), _line(error.details())
            if code == codes.DEADLINE_EXCEEDED:
                raise _too_slow(self._server, self._timeout) from error
            if code == codes.UNAVAILABLE:
                raise _unavailable(self._server, reason) from error
            # A label that does not exist is a bad request.
            if code == codes.NOT_FOUND or (
                code == codes.INVALID_ARGUMENT and isinstance(version, str)
            ):
                raise MissingError(reason) from error
            raise InputError(f"{self._server} refused, with {code.name}: {reason}") from error
