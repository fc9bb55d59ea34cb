"""Labels of classes on their way to a SavedModel and to a server, over REST and gRPC."""

from pathlib import Path

import numpy as np
import pytest

from kgan.errors import InputError
from kgan.models import GAN
from kgan.networks import mlp
from kgan.serving import SavedGenerator, ServedGenerator, export
from tests.serving.command import kgan, refused
from tests.serving.loader import Loader

pytest.importorskip("tensorflow_serving", reason="The extra serving is not installed.")

from tests.serving.server import Server

DIGITS = Path(__file__).parents[2] / "saved_models" / "digits-dcgan" / "1"
CLASSES = 3


@pytest.fixture(scope="module")
def classes_path(tmp_path_factory):
    """A generator of points whose classes lie apart."""
    generator = mlp.generator((2,), 5, width=8, init_range=0.5, num_classes=CLASSES)
    discriminator = mlp.discriminator((2,), width=4, pieces=2, init_range=0.5, num_classes=CLASSES)
    gan = GAN(generator, discriminator, num_classes=CLASSES, class_frequencies=[2, 0, 1])
    return export(gan, tmp_path_factory.mktemp("models"), "classes")


@pytest.fixture(scope="module")
def models(program, classes_path):
    with (
        Loader(program, DIGITS, threads=1) as digits,
        Loader(program, classes_path, threads=1) as classes,
    ):
        yield {"digits": {1: digits}, "classes": {1: classes}}


@pytest.fixture
def server(models):
    with Server(models) as server:
        yield server


@pytest.fixture(params=["rest", "grpc"])
def address(request, server):
    return getattr(server, request.param)


def test_labels_go_with_seeds_and_with_latents(server, address, classes_path):
    generator = ServedGenerator(address, "classes", batch_size=4)
    here = SavedGenerator(classes_path)
    assert generator.conditional
    seeds, labels = np.arange(9), np.arange(9) % 4 - 1
    drawn = generator.sample(seeds, labels)
    np.testing.assert_allclose(drawn, here.sample(seeds, labels), atol=1e-6)
    sent = [request[5] for request in server.predictions()]
    np.testing.assert_array_equal(np.concatenate([part["labels"] for part in sent]), labels)
    assert {part["labels"].dtype for part in sent} == {np.dtype(np.int32)}
    assert [len(part["labels"]) for part in sent] == [len(part["seeds"]) for part in sent]
    ones = generator.sample(seeds, 1)
    assert np.abs(ones - generator.sample(seeds)).max(1).min() > 1e-4  # of none a 1 is drawn
    assert set(server.predictions()[-1][5]["labels"]) == {-1}
    latents = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    np.testing.assert_allclose(
        generator.generate(latents, [0, 1, 2] * 2), here.generate(latents, [0, 1, 2] * 2), atol=1e-6
    )


@pytest.mark.parametrize("where", ["served", "saved"])
def test_labels_that_a_model_does_not_take_are_told(where, server, address, classes_path):
    if where == "saved":
        of_none, of_classes = SavedGenerator(DIGITS), SavedGenerator(classes_path)
    else:
        of_none, of_classes = (ServedGenerator(address, name) for name in ("digits", "classes"))
    before = len(server.predictions())
    for draw, rows in [(of_none.sample, [1]), (of_none.generate, np.zeros((1, 32)))]:
        with pytest.raises(InputError, match="Labels are 1, but the model was trained without cl"):
            draw(rows, 1)
    latents = np.zeros((2, 5))
    for labels, message in [
        (None, "Labels are missing: expected an integer from 0, or one for each row"),
        (-1, "A label is -1: expected an integer from 0, or"),
        (1.0, "Labels are 1.0"),
        ([1], r"Labels are \(1,\) for 2 rows"),
    ]:
        with pytest.raises(InputError, match=message):
            of_classes.generate(latents, labels)
    with pytest.raises(InputError, match="A label is -2: expected an integer from 0, or -1 to"):
        of_classes.sample([1, 2], [0, -2])
    assert len(server.predictions()) == before
    # How many there are the model itself knows.
    for draw, rows in [(of_classes.sample, [1, 2]), (of_classes.generate, latents)]:
        with pytest.raises(InputError, match=r"\A[^\n]*expected 0 to 2[^\n]*\Z"):
            draw(rows, CLASSES)


def test_a_command_asks_a_server_for_classes_by_number(server, address, classes_path, workdir):
    at = ("--server", address, "classes", "--seeds", "4,9", "--out", "x.npz")
    assert kgan("sample", *at, "--classes", "2,0").exit_code == 0
    found, here = np.load("x.npz"), SavedGenerator(classes_path)
    np.testing.assert_array_equal(found["labels"], [2, 2, 0, 0])
    np.testing.assert_array_equal(found["seeds"], [4, 9, 4, 9])
    expected = here.sample([4, 9, 4, 9], [2, 2, 0, 0])
    np.testing.assert_allclose(found["images"], expected, atol=1e-6)
    assert kgan("sample", *at, "--classes", "2", "--truncation", "0.4").exit_code == 0
    (*_, request) = server.predictions()
    assert 0 < np.abs(request[5]["latents"]).max() <= 0.4
    assert kgan("sample", *at).exit_code == 0
    assert set(np.load("x.npz")) == {"images", "seeds"}  # which classes, only the server knows
    np.testing.assert_allclose(np.load("x.npz")["images"], here.sample([4, 9]), atol=1e-6)
    assert "how many classes the model has is not" in refused("sample", *at, "--classes", "all")
    assert "the model's names are not known" in refused("sample", *at, "--classes", "cat")
    assert "labels: expected 0 to 2" in refused("sample", *at, "--classes", "3")
    assert "expected --classes with it" in refused("sample", *at, "--truncation", "1")
    of_none = ("sample", "--server", address, "digits")
    assert "trained without classes" in refused(*of_none, "--classes", "3")
    result = kgan(*of_none, "--truncation", "0.4", "--seeds", "3", "--out", "y.png")
    assert result.exit_code == 0
