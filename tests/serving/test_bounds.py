"""Servers that answer with more than was asked for: how much of it is read."""

import gzip
import json
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import tensorflow as tf

from kgan.errors import InputError
from kgan.serving import ServedGenerator, trust
from kgan.serving.saved import signatures

pytest.importorskip("tensorflow_serving", reason="The extra serving is not installed.")

import grpc
from google.protobuf.json_format import MessageToDict
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2
from tensorflow_serving.apis import prediction_service_pb2_grpc as service

SIGNATURES = signatures(trust.shipped())
IMAGES = np.full((2, 8, 8, 1), 7, np.uint8)
METADATA = json.dumps(
    {
        "model_spec": {"version": "1"},
        "metadata": {
            "signature_def": {
                "signature_def": {
                    key: MessageToDict(one, preserving_proto_field_name=True)
                    for key, one in SIGNATURES.items()
                }
            }
        },
    }
).encode()
MEBIBYTE = 1 << 20


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.answer(self.server.metadata)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(self.server.reply)

    def answer(self, reply):
        headers, parts = reply
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            for part in parts:
                self.wfile.write(part)
                self.server.sent += len(part)
        except OSError:
            pass


@pytest.fixture
def rest():
    """A server; `metadata` and `reply` are headers and an iterable of parts."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.metadata, server.reply, server.sent = ({}, [METADATA]), ({}, []), 0
        server.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()


def endless():
    """Yields what has no end, as far as a test can tell."""
    for _ in range(1024):
        yield b" " * MEBIBYTE


def zeros(size):
    """Returns a gzip file of many blanks, a thousandth of their size."""
    return gzip.compress(b" " * size, 1)


PACKED = {"Content-Encoding": "gzip"}


@pytest.mark.parametrize("asked", ["metadata", "reply"])
@pytest.mark.parametrize("kind", ["endless", "bomb"])
def test_a_reply_is_read_as_far_as_it_may_be_right(kind, asked, rest):
    parts = {"endless": ({}, endless()), "bomb": (PACKED, [zeros(256 * MEBIBYTE)])}[kind]
    setattr(rest, asked, parts)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"answered with more than was asked for, [0-9,]+ "):
            ServedGenerator(rest.address, "digits").sample([1, 2])
        assert tracemalloc.get_traced_memory()[1] < 32 * MEBIBYTE
    finally:
        tracemalloc.stop()
    assert rest.sent < 64 * MEBIBYTE  # what the system's buffers hold, mostly


def test_a_packed_reply_is_unpacked(rest):
    body = json.dumps({"outputs": IMAGES.tolist()}).encode()
    rest.metadata = PACKED, [gzip.compress(METADATA)]
    rest.reply = PACKED, [gzip.compress(body)[i : i + 7] for i in range(0, 9999, 7)]
    found = ServedGenerator(rest.address, "digits").sample([1, 2])
    np.testing.assert_array_equal(found, IMAGES)


@pytest.mark.parametrize(("encoding", "data"), [("gzip", b"no gzip"), ("br", b"{}")])
def test_what_cannot_be_unpacked_is_told(encoding, data, rest):
    rest.reply = {"Content-Encoding": encoding}, [data]
    with pytest.raises(InputError, match=f"answered in the encoding {encoding}, which cannot be"):
        ServedGenerator(rest.address, "digits").sample([1, 2])


@pytest.mark.parametrize("part", [b"[],", b"{},", b"0,"])
def test_a_short_text_of_many_values_is_not_built(part, rest):
    size = 10**7
    wide = {key: MessageToDict(one, preserving_proto_field_name=True) for key, one in
            SIGNATURES.items()}  # fmt: skip
    dims = wide["sample"]["outputs"]["images"]["tensor_shape"]["dim"]
    dims[1]["size"] = dims[2]["size"] = "1000"
    told = json.loads(METADATA)
    told["metadata"]["signature_def"]["signature_def"] = wide
    rest.metadata = {}, [json.dumps(told).encode()]
    rest.reply = {}, [b'{"outputs": [' + part * (size // len(part)) + b"0]}"]
    with pytest.raises(InputError, match="answered with more than was asked for"):
        ServedGenerator(rest.address, "digits").sample([1])


@pytest.mark.parametrize(
    ("dims", "reason"),
    [
        ((99_999, 99_999, 3), "makes images of 99999x99999x3: 2 of them take 60.0 GB; draw them"),
        ((9_999_999, 8, 1), "expected from seeds"),
    ],
)
def test_images_that_no_memory_holds_are_not_asked_for(dims, reason, rest):
    told = json.loads(METADATA)
    for one in told["metadata"]["signature_def"]["signature_def"].values():
        if "images" in one["outputs"]:
            one["outputs"]["images"]["tensor_shape"]["dim"] = [{"size": n} for n in (-1, *dims)]
    rest.metadata = {}, [json.dumps(told).encode()]
    with pytest.raises(InputError, match=reason):
        ServedGenerator(rest.address, "digits").sample([1, 2])


class Servicer(service.PredictionServiceServicer):
    output, padding = tf.make_tensor_proto(IMAGES), 0

    def GetModelMetadata(self, request, context):  # noqa: N802
        found = get_model_metadata_pb2.SignatureDefMap()
        for key, one in SIGNATURES.items():
            found.signature_def[key].CopyFrom(one)
        reply = get_model_metadata_pb2.GetModelMetadataResponse()
        reply.model_spec.version.value = 1
        reply.model_spec.name = "x" * self.padding
        reply.metadata["signature_def"].Pack(found)
        return reply

    def Predict(self, request, context):  # noqa: N802
        return predict_pb2.PredictResponse(outputs={"images": self.output})


@pytest.fixture
def over_grpc():
    """Returns what makes a server of a servicer, and its address."""
    running = []

    def start(compression=None, **answers):
        servicer = type("Servicer", (Servicer,), answers)()
        unbounded = [("grpc.max_send_message_length", -1)]
        server = grpc.server(ThreadPoolExecutor(2), compression=compression, options=unbounded)
        service.add_PredictionServiceServicer_to_server(servicer, server)
        address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        running.append(server)
        return address

    yield start
    for server in running:
        server.stop(None)


def test_a_message_is_bounded_by_what_it_is_to_hold(over_grpc):
    np.testing.assert_array_equal(ServedGenerator(over_grpc(), "digits").sample([1, 2]), IMAGES)
    large = tf.make_tensor_proto(np.zeros(16 * MEBIBYTE, np.uint8))
    with pytest.raises(InputError, match="answered with more than was asked for, 66,560 bytes"):
        ServedGenerator(over_grpc(output=large), "digits").sample([1, 2])
    with pytest.raises(InputError, match="answered with more than was asked for, 4,194,304 bytes"):
        ServedGenerator(over_grpc(padding=8 * MEBIBYTE), "digits")


def test_a_message_that_is_packed_is_refused(over_grpc):
    with pytest.raises(InputError, match=r"refused, with INTERNAL: .*gzip"):
        ServedGenerator(over_grpc(grpc.Compression.Gzip), "digits")


def test_a_few_bytes_for_an_array_of_any_size_are_not_spread_out(over_grpc):
    vast = tf.make_tensor_proto(np.uint8(3), shape=[2, 1 << 20, 1 << 15, 1])
    with pytest.raises(InputError, match=r"answered with images uint8\[2, 1048576, 32768, 1\], ex"):
        ServedGenerator(over_grpc(output=vast), "digits").sample([1, 2])
