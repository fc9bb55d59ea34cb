"""TF Serving's two ways to a model: its REST API, and gRPC.

Both know `metadata(version)`, which returns the version's number and its endpoints, and `predict`,
which returns an endpoint's one output, of a shape that is told, for its inputs by name. Neither
reads more of a reply than such a one may hold.
"""

import json
import math
import re
import time
import zlib
from collections.abc import Mapping
from typing import Any
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
LARGEST = 1 << 28  # bytes of a reply, once it is unpacked
METADATA = 1 << 22  # of one that describes a model
LONG = 9999  # characters of a server's text that are looked at
SLACK = 1 << 16  # for what stands around the numbers
# Bytes of a number: TF Serving's JSON ends each list on a line of its own, indented.
PER_NUMBER = {"json": 64, "proto": 8}


class MissingError(Exception):
    """The server has no such model, version or label: the message is its own."""


def _endpoints(signatures):
    # TensorFlow lists its own initialiser among the endpoints.
    return {name: signatures[name] for name in sorted(signatures) if not name.startswith("__")}


def one_line(text: Any) -> str:
    """Returns a server's text as one line, cut where no reader would go on."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)[:LONG]).split())
    return line if len(line) <= 300 else f"{line[:300]}..."


def _bad_address(server):
    return InputError(
        f"--server {server}: expected http://HOST:PORT for REST, by default port 8501, or "
        "HOST:PORT for gRPC, by default port 8500."
    )


def _unavailable(server, reason):
    return InputError(
        f"No TF Serving answers at {server} ({one_line(reason)}): check that it runs, and the "
        "address: http://HOST:8501 for REST, HOST:8500 for gRPC, unless its ports were changed."
    )


def _too_slow(server, timeout):
    return InputError(
        f"{server} gave no whole answer within {timeout:g} seconds: check that it runs, allow more "
        "with --timeout, or ask for fewer images a request with --server-batch."
    )


def _limit(shape, kind):
    """Returns the most bytes that a reply with an array of this shape may have."""
    return min(math.prod(shape) * PER_NUMBER[kind] + SLACK, LARGEST)


def _too_large(server, limit):
    return InputError(
        f"{server} answered with more than was asked for, {limit:,} bytes at the most: look at the "
        "server, or ask for fewer images a request with --server-batch."
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
        self._session.headers["Accept-Encoding"] = "gzip"

    def metadata(self, version: int | str | None) -> tuple[int, dict[str, Any]]:
        reply = self._call("GET", version, "/metadata", METADATA)
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

    def predict(
        self,
        version: int | str | None,
        endpoint: str,
        inputs: Mapping[str, np.ndarray],
        shape: tuple[int, ...],
    ) -> np.ndarray:
        columns = {name: rows.tolist() for name, rows in inputs.items()}
        body = {"signature_name": endpoint, "inputs": columns}
        # Python takes 20 times the space of an empty list's text: no more lists than the shape has.
        items = SLACK + sum(math.prod(shape[:axis]) for axis in range(len(shape) + 1))
        limit = _limit(shape, "json")
        reply = self._call("POST", version, ":predict", limit, items, json=body)
        try:
            return np.array(reply["outputs"])
        except (KeyError, TypeError, ValueError) as error:  # the last if lists differ in length
            raise InputError(
                f"{self._server} answered with no array `outputs`: look at the server."
            ) from error

    def fits(self, found: np.dtype, dtype: np.dtype) -> bool:
        """JSON's numbers are either integers or not."""
        return found.kind == {"u": "i", "f": "f"}[dtype.kind]

    def _call(self, method, version, action, limit, items=METADATA, **body):
        kind = "labels" if isinstance(version, str) else "versions"
        chosen = "" if version is None else f"/{kind}/{quote(str(version), safe='')}"
        status, content = self._answer(method, f"{self._model}{chosen}{action}", limit, **body)
        if sum(map(content.count, "[{,")) > items:
            raise _too_large(self._server, limit)
        try:
            reply = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{self._server} answered {status} {one_line(content)!r}, expected JSON: check "
                "that TF Serving is there."
            ) from error
        if status == 200:
            return reply
        reason = one_line(reply.get("error", content) if isinstance(reply, dict) else content)
        # A label that does not exist is a bad request.
        if status == 404 or (status == 400 and isinstance(version, str)):
            raise MissingError(reason)
        raise InputError(f"{self._server} refused, with HTTP status {status}: {reason}")

    def _answer(self, method, url, limit, **body):
        deadline = time.monotonic() + self._timeout
        for attempt in range(ATTEMPTS):
            try:
                status, content = self._attempt(method, url, deadline, limit, **body)
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

    def _attempt(self, method, url, deadline, limit, **body):
        """Returns status and content.

        urllib3's own timeout starts anew with each byte, and no deadline reaches into its reading
        of the headers: only what comes after them is held to it.
        """
        left = max(deadline - time.monotonic(), 1e-3)
        content = bytearray()
        with self._session.request(
            method, url, timeout=left, stream=True, allow_redirects=False, **body
        ) as response:
            unpacked = self._unpacking(response.headers.get("Content-Encoding", "identity"))
            while part := response.raw.read1(2**16, decode_content=False):
                content += unpacked(part, limit + 1 - len(content))
                if len(content) > limit:
                    raise _too_large(self._server, limit)
                if time.monotonic() > deadline:
                    raise requests.Timeout
            return response.status_code, content.decode(errors="replace")

    def _unpacking(self, encoding):
        """Returns what makes at most so many bytes of a part of a reply."""
        if encoding.lower() in ("", "identity"):
            return lambda part, room: part
        stream = zlib.decompressobj(31)

        def unpacked(part, room):
            try:
                return stream.decompress(part, room)
            except zlib.error as error:
                raise InputError(
                    f"{self._server} answered in the encoding {encoding}, which cannot be read as "
                    "gzip: look at the server, or at what stands between."
                ) from error

        return unpacked


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
        self._service, self._stubs = PredictionServiceStub, {}
        retries = {
            "maxAttempts": ATTEMPTS,
            "initialBackoff": f"{BACKOFF}s",
            "maxBackoff": f"{BACKOFF * 2**ATTEMPTS}s",
            "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE"],
        }
        config = {"methodConfig": [{"name": [{}], "retryPolicy": retries}]}
        self._options = {
            "grpc.max_send_message_length": -1,
            "grpc.service_config": json.dumps(config),
            # gRPC bounds a message before it unpacks it: none is to be packed.
            "grpc.compression_enabled_algorithms_bitset": 1,
        }

    def _stub(self, limit):
        """Returns a connection on which no reply may be much larger than this."""
        limit = 1 << (limit - 1).bit_length()
        if limit not in self._stubs:
            options = {**self._options, "grpc.max_receive_message_length": limit}
            channel = self._grpc.insecure_channel(self._server, [*options.items()])
            self._stubs[limit] = self._service(channel)
        return self._stubs[limit]

    def metadata(self, version: int | str | None) -> tuple[int, dict[str, Any]]:
        request = self._metadata.GetModelMetadataRequest(metadata_field=["signature_def"])
        reply = self._call("GetModelMetadata", request, version, METADATA)
        found = self._metadata.SignatureDefMap()
        if not reply.metadata["signature_def"].Unpack(found):
            raise InputError(
                f"{self._server} answered with no model's metadata: expected TF Serving there."
            )
        return reply.model_spec.version.value, _endpoints(found.signature_def)

    def predict(
        self,
        version: int | str | None,
        endpoint: str,
        inputs: Mapping[str, np.ndarray],
        shape: tuple[int, ...],
    ) -> np.ndarray:
        request = self._predict.PredictRequest()
        request.model_spec.signature_name = endpoint
        for name, rows in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(rows))
        reply = self._call("Predict", request, version, _limit(shape, "proto"))
        try:
            (output,) = reply.outputs.values()
            found = [dim.size for dim in output.tensor_shape.dim]
            if math.prod(found) > math.prod(shape):
                # A few bytes may stand for an array of any size: this one takes no memory.
                return np.broadcast_to(
                    np.zeros((), tf.as_dtype(output.dtype).as_numpy_dtype), found
                )
            return tf.make_ndarray(output)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{self._server} answered with no array: look at the server."
            ) from error

    def fits(self, found: np.dtype, dtype: np.dtype) -> bool:
        return found == dtype

    def _call(self, method, request, version, limit):
        request.model_spec.name = self._name
        if isinstance(version, str):
            request.model_spec.version_label = version
        elif version is not None:
            request.model_spec.version.value = version
        codes = self._grpc.StatusCode
        try:
            return getattr(self._stub(limit), method)(request, timeout=self._timeout)
        except self._grpc.RpcError as error:
            code, reason = error.code(), one_line(error.details())
            if code == codes.DEADLINE_EXCEEDED:
                raise _too_slow(self._server, self._timeout) from error
            if code == codes.UNAVAILABLE:
                raise _unavailable(self._server, reason) from error
            if code == codes.RESOURCE_EXHAUSTED and "larger than max" in reason:
                raise _too_large(self._server, limit) from error
            # A label that does not exist is a bad request.
            if code == codes.NOT_FOUND or (
                code == codes.INVALID_ARGUMENT and isinstance(version, str)
            ):
                raise MissingError(reason) from error
            raise InputError(f"{self._server} refused, with {code.name}: {reason}") from error
