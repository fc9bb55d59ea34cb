"""`kgan sample --server` over REST and gRPC; TensorFlow's C++ loader answers."""

import base64
import io
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import requests
import tensorflow as tf
from PIL import Image
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from kgan.errors import InputError
from kgan.models import GAN, Autoencoder
from kgan.networks import conv_autoencoder, mlp
from kgan.serving import SavedGenerator, ServedGenerator, export, transports
from tests.serving.command import assert_close, kgan, refused
from tests.serving.loader import Loader

pytest.importorskip("tensorflow_serving", reason="The extra serving is not installed.")

from tests.serving.server import Server, spoilt

DIGITS = Path(__file__).parents[2] / "saved_models" / "digits-dcgan" / "1"


class Inverted:
    """A back end that gives the negatives of another's images."""

    def __init__(self, model):
        self.model, self.signatures = model, model.signatures

    def run(self, signature, inputs):
        return spoilt(lambda images: 255 - images)(self.model.run(signature, inputs))


@pytest.fixture(scope="module")
def points_path(tmp_path_factory):
    generator = mlp.generator((2,), 5, width=8, init_range=0.5)
    gan = GAN(generator, mlp.discriminator((2,), width=4, pieces=2, init_range=0.5))
    return export(gan, tmp_path_factory.mktemp("models"), "points")


@pytest.fixture(scope="module")
def models(program, points_path, tmp_path_factory):
    coder = conv_autoencoder.encoder((8, 8, 1), 4, 2), conv_autoencoder.decoder((8, 8, 1), 4, 2)
    encoder_path = export(
        Autoencoder(*coder, "squared_error"), tmp_path_factory.mktemp("models"), "encoder"
    )
    with (
        Loader(program, DIGITS, threads=1) as digits,
        Loader(program, points_path, threads=1) as points,
        Loader(program, encoder_path, threads=1) as encoder,
    ):
        yield {
            "digits": {1: digits, 2: Inverted(digits)},
            "points": {1: points},
            "encoder": {1: encoder},
        }


@pytest.fixture
def server(models, monkeypatch):
    monkeypatch.setattr(transports, "BACKOFF", 0.01)
    with Server(models, {"digits": {"stable": 1}}) as server:
        yield server


@pytest.fixture(params=["rest", "grpc"])
def address(request, server):
    return getattr(server, request.param)


@pytest.fixture(scope="module")
def local():
    return SavedGenerator(DIGITS)


def test_seeds_go_in_batches_and_images_come_back_in_order(server, address, local):
    seeds = np.random.default_rng(0).integers(0, 2**63, 150)
    images = ServedGenerator(address, "digits", version=1).sample(seeds)
    assert images.dtype == np.uint8
    assert_close(images, local.sample(seeds))
    assert server.seen[0] == ("metadata", "digits", 1, None)
    asked = server.predictions()
    assert {request[1:5] for request in asked} == {("digits", 1, None, "sample")}
    arrays = [request[5]["seeds"] for request in asked]
    assert [array.dtype for array in arrays] == [np.int64] * 3
    assert [len(array) for array in arrays] == [64, 64, 22]
    np.testing.assert_array_equal(np.concatenate(arrays), seeds)


def test_latents_go_as_they_are(server, address, local):
    generator = ServedGenerator(address, "digits", version=1, batch_size=2)
    assert generator.latent_dim == local.latent_dim
    latents = np.random.default_rng(0).normal(size=(3, local.latent_dim)).astype(np.float32)
    assert_close(generator.generate(latents), local.generate(latents))
    sent = [request[5]["latents"] for request in server.predictions()]
    np.testing.assert_array_equal(np.concatenate(sent), latents)
    assert [len(part) for part in sent] == [2, 1]


def test_versions_are_chosen_by_number_by_label_or_as_the_newest(server, address, local):
    first, second = local.sample([3]), 255 - local.sample([3])
    for version, number, image in [
        (None, 2, second), (1, 1, first), ("2", 2, second), ("stable", 1, first)
    ]:  # fmt: skip
        generator = ServedGenerator(address, "digits", version)
        assert generator.version == number
        assert_close(generator.sample([3]), image)
    # The label may move while images are drawn: its version stays.
    server.labels["digits"]["stable"] = 2
    assert_close(generator.sample([3]), first)


def test_names_and_labels_may_hold_any_character(server, address, local):
    server.models["my/digits: 1?"] = server.models["digits"]
    server.labels["my/digits: 1?"] = {"50%/é": 1}
    assert_close(ServedGenerator(address, "my/digits: 1?", "50%/é").sample([3]), local.sample([3]))


def drawn(place, *source):
    for name in ("a.png", "a.npz", "a.gif", "single"):
        result = kgan("sample", *source, "--seeds", "5,80,3", "--out", place / name)
        assert result.exit_code == 0, result.output
    gif = Image.open(place / "a.gif")
    walk = []
    for i in range(gif.n_frames):
        gif.seek(i)
        walk.append(np.asarray(gif.convert("L")))
    sheet = np.asarray(Image.open(place / "a.png"))
    arrays = np.load(place / "a.npz")
    single = {
        path.name: np.asarray(Image.open(path)) for path in sorted((place / "single").iterdir())
    }
    return result.stderr, sheet, arrays, np.stack(walk), single


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    return drawn(tmp_path_factory.mktemp("here"), DIGITS)[1:]


def test_every_output_is_what_the_savedmodel_gives_here(address, here, tmp_path):
    at = ("--server", address, "--model", "digits", "--model-version", 1)
    said, *served = drawn(tmp_path, *at)
    assert f"Drawing from digits at {address}, version 1" in said
    assert_close(served[0], here[0])
    assert_close(served[1]["images"], here[1]["images"])
    np.testing.assert_array_equal(served[1]["seeds"], [5, 80, 3])
    assert len(here[2]) == 48
    assert_close(served[2], here[2])
    assert [*served[3]] == ["seed-000003.png", "seed-000005.png", "seed-000080.png"]
    for name, image in served[3].items():
        assert_close(image, here[3][name])


def test_points_come_as_points(address, points_path, workdir):
    at = ("--server", address, "points", "--seeds", "0-9")
    assert kgan("sample", *at, "--out", "x.png").exit_code == 0
    assert kgan("sample", *at, "--out", "x.npz").exit_code == 0
    points = np.load("x.npz")["images"]
    expected = SavedGenerator(points_path).sample(range(10))
    assert points.dtype == expected.dtype == np.float32
    np.testing.assert_allclose(points, expected, rtol=1e-5)
    assert "no single PNGs" in refused("sample", *at, "--out", "x")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["nope"], "There is no model nope at ADDRESS (Servable not found for request: Latest(n"),
        (["nope", "--model-version", 3], "There is no model nope at ADDRESS (Servable not found"),
        (["nope", "--model-version", "x"], "There is no model nope at ADDRESS (Unrecognized"),
        (["digits", "--model-version", 7], "digits at ADDRESS has no version 7 (Servable not"),
        (["digits", "--model-version", "x"], "no version 'x' (Unrecognized servable version lab"),
        (["digits", "--model-version", 7], "without --model-version you get its newest, 2."),
        (["digits", "--model-version", ""], "--model-version '': expected a word"),
        (["encoder"], "encoder at ADDRESS has no endpoint 'sample', but decode, encode, recons"),
        (["encoder", "--out", "x.gif"], "has no endpoint 'generate', but decode, encode, recons"),
        (["digits", "--timeout", 0], "--timeout 0: expected seconds, above 0 and 86,400 at most"),
        (["digits", "--timeout", "nan"], "--timeout nan: expected seconds"),
        (["digits", "--server-batch", 0], "--server-batch 0: expected 1 or more images a reque"),
        (["digits", "--checkpoint", "best"], "--checkpoint best: a server has none"),
        (["digits", "--checkpoint", "last"], "--checkpoint last: a server has none"),
        (["digits", "--model", "points"], "one --model NAME, received digits and points"),
        ([], "expected one --model NAME, received none"),
        ([""], "MODEL '': expected a word"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_told_in_a_line(options, reason, address, workdir):
    line = refused("sample", "--server", address, *options)
    assert reason.replace("ADDRESS", address) in line


@pytest.mark.parametrize("version", ["9" * 20, "9" * 5000, -1, 2**63], ids=lambda v: str(v)[:20])
def test_what_is_no_version_is_told_without_asking(version):
    with pytest.raises(InputError, match=f"--model-version .*{version}.*: expected a version's"):
        ServedGenerator("host:8500", "digits", version)


@pytest.mark.parametrize("option", ["--model", "--model-version", "--timeout", "--server-batch"])
def test_options_of_servers_need_one(option, workdir):
    assert f"{option} 1" in refused("sample", option, "1")
    assert "expected only with --server" in refused("sample", option, "1")


@pytest.mark.parametrize(
    "address",
    [
        "ftp://x", "host", "host:0", "host:99999", ":80", "a b:80", "u@host:80", "http://",
        "http://x:99999", "http://x:a", "http://*:80", "http://x/?a", "HTTPS://[::1",
    ],
)  # fmt: skip
def test_what_is_no_address_is_told_without_asking_it(address, workdir):
    line = refused("sample", "--server", address, "--model", "x")
    assert line.startswith(f"--server {address}: expected http://HOST:PORT")


def test_a_path_before_the_api_is_kept(server):
    with pytest.raises(InputError, match="Malformed request: GET /there/v1/models/digits/metad"):
        ServedGenerator(f"{server.rest}/there/", "digits")


@pytest.mark.parametrize(("over", "to"), [("rest", "grpc"), ("grpc", "rest")])
def test_the_wrong_one_of_two_ports_is_told(over, to, server):
    address = getattr(server, to)
    address = address.removeprefix("http://") if over == "grpc" else f"http://{address}"
    with pytest.raises(InputError, match=f"No TF Serving answers at {address}.*8501 for REST"):
        ServedGenerator(address, "digits")


def test_without_the_extra_grpc_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    with pytest.raises(InputError, match="pip install tensorflow-serving-api"):
        ServedGenerator("host:8500", "digits")


def test_points_that_are_no_numbers_are_told(server, address):
    server.faults.spoils = spoilt(lambda points: points * np.float32("nan"))
    with pytest.raises(InputError, match="answered with points that hold nan, expected finite"):
        ServedGenerator(address, "points").sample([1])


@pytest.mark.parametrize(("takes", "gives"), [("encode", "sample"), ("sample", "encode")])
def test_foreign_endpoints_of_the_same_name_are_told(takes, gives, server, address):
    known = {**server.models["encoder"][1].signatures, **server.models["digits"][1].signatures}
    foreign = SignatureDef(inputs=known[takes].inputs, outputs=known[gives].outputs)
    server.models["foreign"] = {1: SimpleNamespace(signatures={"sample": foreign})}
    with pytest.raises(InputError, match=r"'sample' goes from .*\(-1.*\) to .*\(-1, .*, expected"):
        ServedGenerator(address, "foreign").sample([1])


def test_replies_may_be_larger_than_grpc_allows_unasked(server):
    signature = SignatureDef()
    signature.CopyFrom(server.models["digits"][1].signatures["sample"])
    for dim in signature.outputs["images"].tensor_shape.dim[1:3]:
        dim.size = 2100
    image = np.full((1, 2100, 2100, 1), 7, np.uint8)
    outputs = {"images": tf.make_tensor_proto(image)}
    large = SimpleNamespace(signatures={"sample": signature}, run=lambda *_: outputs)
    server.models["large"] = {1: large}
    np.testing.assert_array_equal(ServedGenerator(server.grpc, "large").sample([1]), image)


def test_the_servers_own_message_is_passed_on(address, local):
    generator = ServedGenerator(address, "digits")
    with pytest.raises(InputError, match=rf"{address} refused, with .*\[2,33\] is not compatible"):
        generator.generate(np.zeros((2, local.latent_dim + 1)))


def test_the_stand_in_speaks_rest_as_documented(server, local):
    def ask(status=200, **body):
        reply = requests.post(f"{server.rest}/v1/models/digits/versions/1:predict", json=body)
        assert reply.status_code == status
        return reply.json()

    images = ask(inputs={"seeds": [4, 9]})["outputs"]
    assert_close(np.array(images), local.sample([4, 9]))
    assert ask(instances=[4, 9]) == ask(instances=[{"seeds": 4}, {"seeds": 9}])
    assert ask(instances=[4, 9])["predictions"] == images
    files = ask(signature_name="sample_png", inputs=[4, 9])["outputs"]
    for file, image in zip(files, images, strict=True):
        decoded = Image.open(io.BytesIO(base64.b64decode(file["b64"])))
        np.testing.assert_array_equal(np.asarray(decoded)[..., None], image)
    scores = ask(signature_name="discriminate", inputs=images)["outputs"]
    assert {name: len(values) for name, values in scores.items()} == {
        "logits": 2, "probabilities": 2
    }  # fmt: skip
    rows = ask(signature_name="discriminate", instances=images)["predictions"]
    assert [row["logits"] for row in rows] == scores["logits"]
    assert "not found in signature def" in ask(400, signature_name="nope", inputs=[1])["error"]
    assert "not of expected type: int64" in ask(400, inputs=[0.5])["error"]
    assert "Missing" in ask(400, seeds=[1])["error"]
