"""What goes wrong between `kgan sample --server` and a server, over REST and gRPC."""

import socket
import time
from pathlib import Path

import numpy as np
import pytest

from kgan.errors import InputError
from kgan.serving import SavedGenerator, ServedGenerator, transports
from tests.serving.command import assert_close, kgan, refused
from tests.serving.loader import Loader

pytest.importorskip("tensorflow_serving", reason="The extra serving is not installed.")

from tests.serving.server import Server, spoilt

DIGITS = Path(__file__).parents[2] / "saved_models" / "digits-dcgan" / "1"


@pytest.fixture(scope="module")
def digits(program):
    with Loader(program, DIGITS, threads=1) as digits:
        yield digits


@pytest.fixture
def server(digits, monkeypatch):
    monkeypatch.setattr(transports, "BACKOFF", 0.01)
    with Server({"digits": {1: digits}}) as server:
        yield server


@pytest.fixture(params=["rest", "grpc"])
def address(request, server):
    return getattr(server, request.param)


@pytest.fixture(scope="module")
def local():
    return SavedGenerator(DIGITS)


@pytest.mark.parametrize(
    ("scheme", "reason"),
    [("http://", r"\(\[Errno \d+\] Connection refused\):"), ("", "Connection refused")],
)
def test_where_nothing_listens_is_told_after_a_few_attempts(scheme, reason, monkeypatch):
    monkeypatch.setattr(transports, "BACKOFF", 0.01)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"{scheme}127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(InputError, match=f"No TF Serving answers at {address} .*{reason}"):
            ServedGenerator(address, "digits")


def test_a_server_that_is_starting_is_asked_again(server, address, local):
    server.faults.unavailable = 2
    generator = ServedGenerator(address, "digits")
    server.faults.unavailable = 4
    assert_close(generator.sample([1]), local.sample([1]))


def test_a_server_that_stays_unavailable_is_left_alone(server, address):
    generator = ServedGenerator(address, "digits")
    server.faults.unavailable = 100
    with pytest.raises(InputError, match=f"No TF Serving answers at {address}.*is starting"):
        generator.sample([1])
    assert server.faults.unavailable == 100 - transports.ATTEMPTS


def test_attempts_end_with_the_timeout(server, address, monkeypatch):
    monkeypatch.setattr(transports, "BACKOFF", 60)
    server.faults.unavailable = 100
    before = time.monotonic()
    with pytest.raises(InputError, match=address):
        ServedGenerator(address, "digits", timeout=0.5)
    assert time.monotonic() - before < 10


def test_a_slow_server_is_waited_for_until_the_timeout(server, address, workdir):
    server.faults.delay = 0.3
    at = ("sample", "--server", address, "--model", "digits", "--seeds", "0-3")
    assert kgan(*at, "--timeout", 20, "--out", "in-time.png").exit_code == 0
    server.faults.delay = 3
    before = time.monotonic()
    line = refused(*at, "--timeout", 0.5)
    assert time.monotonic() - before < 2.5
    assert line.startswith(
        f"{address} gave no whole answer within 0.5 seconds: check that it runs, all"
    )
    assert len(server.seen) == 3  # no second attempt


def test_a_reply_that_drips_in_is_not_waited_for_either(server):
    generator = ServedGenerator(server.rest, "digits", timeout=1)
    server.faults.drips = True
    before = time.monotonic()
    with pytest.raises(InputError, match="no whole answer within 1 seconds"):
        generator.sample([1])
    assert time.monotonic() - before < 4


def test_a_reply_that_breaks_off_is_asked_for_again(server, local):
    generator = ServedGenerator(server.rest, "digits")
    server.faults.cuts = 2
    assert_close(generator.sample([1]), local.sample([1]))
    assert len(server.predictions()) == 3
    server.faults.cuts = 100
    with pytest.raises(InputError, match=r"No TF Serving answers at .*IncompleteRead"):
        generator.sample([1])


@pytest.mark.parametrize("out", ["x.png", "x.npz", "x.gif", "x"])
def test_a_server_that_dies_half_way_leaves_no_file(out, server, address, workdir):
    server.faults.dies_after = 1
    at = ("sample", "--server", address, "--model", "digits", "--server-batch", 10)
    line = refused(*at, "--seeds", "0-19", "--out", out)
    assert line.startswith(f"No TF Serving answers at {address}")
    assert len(server.predictions()[0][5].popitem()[1]) == 10


def test_a_version_that_is_unloaded_meanwhile_is_told(server, address):
    generator = ServedGenerator(address, "digits")
    server.models = {"digits": {2: server.models["digits"][1]}}
    with pytest.raises(InputError, match=f"digits at {address} has no version 1 any more"):
        generator.sample([1])


GARBAGE = {
    "a row too few": (lambda images: images[1:], r"[1, 8, 8, 1], expected uint8[2, 8, 8, 1]"),
    "another shape": (lambda images: images[:, :4], r"[2, 4, 8, 1], expected uint8[2, 8, 8, 1]"),
    "no batch": (lambda images: images[0, 0, 0, 0], "[], expected uint8[2, 8, 8, 1]"),
    "fractions": (lambda images: images / np.float32(255), "expected uint8[2, 8, 8, 1]"),
    "texts": (lambda images: images.astype(str).astype(object), "expected uint8[2, 8, 8, 1]"),
    "too bright": (lambda images: images + np.int32(1000), "expected"),
}


@pytest.mark.parametrize("what", GARBAGE)
def test_images_that_cannot_be_are_told(what, server, address, workdir):
    change, reason = GARBAGE[what]
    server.faults.spoils = spoilt(change)
    line = refused("sample", "--server", address, "--model", "digits", "--seeds", "1,2")
    assert line.startswith(f"digits at {address} answered with images")
    assert reason in line


@pytest.mark.parametrize("body", [b"", b"<html>\x1b[31mHi</html>", b'{"outputs": [[1', b"\xff"])
def test_what_is_no_json_is_told(body, server):
    generator = ServedGenerator(server.rest, "digits")
    server.faults.body = body
    for ask in (lambda: generator.sample([1]), lambda: ServedGenerator(server.rest, "digits")):
        with pytest.raises(InputError, match=r"answered 200 .*, expected JSON") as error:
            ask()
        assert str(error.value).isprintable()


@pytest.mark.parametrize("body", [b"1", b"[]", b"{}", b'{"outputs": [[1], []], "metadata": 1}'])
def test_json_of_something_else_is_told(body, server):
    generator = ServedGenerator(server.rest, "digits")
    server.faults.body = body
    with pytest.raises(InputError, match="answered with no array `outputs`"):
        generator.sample([1])
    with pytest.raises(InputError, match="answered with no model's metadata"):
        ServedGenerator(server.rest, "digits")


def test_a_message_of_the_server_is_shown_as_one_plain_line(server):
    server.faults.body = b'{"error": "\\u001b[31mNo\\nmodel, ' + b"sorry " * 1000 + b'"}'
    with pytest.raises(InputError, match=r"\( ?\[31mNo model, (sorry )+[sory ]*\.\.\.\)") as error:
        ServedGenerator(server.rest, "nope")
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 600
