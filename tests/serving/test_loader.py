"""Every endpoint of every family, asked as TF Serving asks: in C++, by names, in any batch."""

import io
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kgan.models.precision import as_float32
from kgan.serving import endpoints, export
from tests.serving.families import (
    CLASSES,
    FAMILIES,
    MANY,
    SHAPE,
    autoencoder,
    classes,
    png,
    points,
    rows,
    trained,
)
from tests.serving.loader import Loader, LoaderError

# EXIF of one entry, which says that the image is to be turned by a quarter.
TURNED = bytes.fromhex("4d4d002a 00000008 0001 0112 0003 00000001 00060000 00000000")


def decoded(files):
    return np.stack([np.asarray(Image.open(io.BytesIO(data))) for data in files])


class InKeras:
    """What each endpoint is to give: the model's own functions, and they compute in float32."""

    def __init__(self, model):
        self.model = model
        self.kind = "images" if len(model.image_shape) == 3 else "points"

    def sample(self, seeds, labels=None):
        labels = {} if labels is None else {"labels": labels}
        return {self.kind: self.model.sample(seeds, **labels)}

    def sample_png(self, seeds, labels=None):
        return {"image_bytes": self.sample(seeds, labels)[self.kind]}

    def generate(self, latents, labels=None):
        labels = {} if labels is None else {"labels": labels}
        return {self.kind: self.model.generate(latents, **labels)}

    def discriminate(self, labels=None, **examples):
        network = as_float32(self.model.discriminator)
        x = self.model.to_range(examples[self.kind])
        inputs = x if labels is None else [x, tf.constant(labels)]
        logits = network(inputs, training=False).numpy()
        return {"logits": logits, "probabilities": 1 / (1 + np.exp(-logits))}

    def reconstruct(self, images):
        return {"images": self.model.reconstruct(images)}

    def encode(self, images):
        return {"codes": self.model.encode(images)}

    def decode(self, codes):
        return {"images": self.model.decode(codes)}

    def classify(self, images):
        return {"probabilities": self.model.classify(images)}

    def classify_png(self, image_bytes):
        return self.classify(decoded(image_bytes))


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Every family's model and its export, made when it is asked for."""
    root, made = tmp_path_factory.mktemp("saved_models"), {}

    def get(build):
        if build not in made:
            model = trained(build)
            made[build] = model, export(model, root, build.__name__)
        return made[build]

    return get


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda build: build.__name__)
def served(request, program, paths):
    """A family's model in Keras, and its export in C++."""
    model, path = paths(request.param)
    in_keras = InKeras(model)
    in_keras.serving_default = getattr(in_keras, FAMILIES[request.param])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
        loader = Loader(program, path)
    with loader:
        yield in_keras, loader


def requests(loader, n):
    """Yields every endpoint's name and inputs that it is to take, n rows."""
    for name, signature in loader.signatures.items():
        inputs = {}
        for argument, info in signature.inputs.items():
            batch, *shape = (dimension.size for dimension in info.tensor_shape.dim)
            assert batch == -1
            draws = "seeds" in signature.inputs
            inputs[argument] = rows(argument, shape, n, np.random.default_rng(n), draws)
        yield name, inputs


def check_equal(found, expected, which):
    """Checks outputs to float precision: one grey level, and that only where a half is rounded."""
    assert found.keys() == expected.keys(), which
    for output, values in found.items():
        wanted = expected[output]
        if output == "image_bytes":
            values, wanted = (decoded(v) if v.dtype == object else v for v in (values, wanted))
        assert (values.shape, values.dtype) == (wanted.shape, wanted.dtype), which
        if values.dtype == np.uint8:
            difference = np.abs(values.astype(int) - wanted)
            assert difference.max() <= 1, which
            assert difference.mean() < 0.01, which
        else:
            np.testing.assert_allclose(values, wanted, rtol=1e-5, atol=1e-5, err_msg=which)


def test_every_family_is_here(paths):
    assert {type(paths(build)[0]) for build in FAMILIES} == set(endpoints.FAMILIES)


def test_every_endpoint_gives_what_keras_gives_in_float32(served):
    in_keras, loader = served
    assert "serving_default" in loader.signatures
    for name, inputs in requests(loader, MANY):
        check_equal(loader(name, **inputs), getattr(in_keras, name)(**inputs), name)


def test_a_row_does_not_depend_on_its_batch(served):
    _, loader = served
    for name, inputs in requests(loader, MANY):
        alone = [
            loader(name, **{key: given[i : i + 1] for key, given in inputs.items()})
            for i in range(MANY)
        ]
        joined = {key: np.concatenate([one[key] for one in alone]) for key in alone[0]}
        check_equal(joined, loader(name, **inputs), name)


def check_no_rows(loader):
    for name, signature in loader.signatures.items():
        none = {
            argument: np.zeros(
                [0, *(dim.size for dim in info.tensor_shape.dim[1:])],
                tf.as_dtype(info.dtype).as_numpy_dtype,
            )
            for argument, info in signature.inputs.items()
        }
        found = loader(name, **none)
        assert {key: list(value.shape) for key, value in found.items()} == {
            key: [0, *(dim.size for dim in output.tensor_shape.dim[1:])]
            for key, output in signature.outputs.items()
        }, name


def test_no_rows_give_no_rows(served):
    check_no_rows(served[1])


@pytest.mark.parametrize("build", [classes, autoencoder])
def test_no_rows_give_no_rows_without_onednn(build, program, paths, monkeypatch):
    # oneDNN gives convolutions of no rows another shape.
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    with Loader(program, paths(build)[1], threads=1) as loader:
        check_no_rows(loader)


def bad_rows(argument, good):
    """Yields what an endpoint is not to take, by what is wrong with it."""
    yield "no batch", good[0]
    yield "one more axis", good[..., None]
    yield "type", np.zeros(good.shape, np.int16)
    yield "one row less", good[1:]
    for axis in range(1, good.ndim):
        yield f"longer axis {axis}", good.repeat(2, axis)
    if good.ndim == 4:
        yield "as many values, transposed", good.swapaxes(1, 2)
        yield "as many values, flat", good.reshape(len(good), -1)
    if argument == "seeds":
        yield "negative", np.where(good == good[0], -1, good)
    if argument == "labels":
        yield "beyond the classes", np.full_like(good, CLASSES)
        yield "below what is drawn", np.where(good == good[0], -2, good)
    if argument == "image_bytes":
        other = png(np.zeros((8, 16, 3), np.uint8))
        turned = png(np.zeros(SHAPE, np.uint8), exif=TURNED)
        files = {"no image": b"none", "another size": other, "turned": turned}
        for wrong, data in files.items():
            yield wrong, np.array([*good[1:], data], object)


def answer(loader, name, inputs):
    try:
        return f"Taken: {loader(name, **inputs).keys()}"
    except LoaderError as error:
        return str(error)


def test_bad_rows_are_refused_and_the_next_request_is_answered(served):
    _, loader = served
    for name, inputs in requests(loader, 4):
        before = loader(name, **inputs)
        for argument, good in inputs.items():
            for wrong, values in bad_rows(argument, good):
                if wrong == "one row less" and len(inputs) == 1:
                    continue
                which = f"{name}: {argument}: {wrong}"
                given = {**inputs, argument: values}
                assert "INVALID_ARGUMENT" in answer(loader, name, given), which
                check_equal(loader(name, **inputs), before, which)
            others = {key: value for key, value in inputs.items() if key != argument}
            assert f"Missing input: {argument}" in answer(loader, name, others)
            assert "Unknown input: other" in answer(loader, name, {**inputs, "other": good})
        assert "Unknown signature: other" in answer(loader, "other", inputs)
        check_equal(loader(name, **inputs), before, name)


@pytest.mark.parametrize("served", [classes], indirect=True, ids=["classes"])
def test_wrong_labels_are_refused_in_words(served):
    _, loader = served
    for name, inputs in requests(loader, 4):
        draws, told = "seeds" in inputs, "labels: expected 0 to 2"
        told += ", or -1 to draw them from their seeds" if draws else ""
        for label in (CLASSES, -2, *([] if draws else [-1])):
            labels = np.full(4, label, np.int32)
            assert told in answer(loader, name, {**inputs, "labels": labels})
        first = next(key for key in inputs if key != "labels")
        more = {**inputs, "labels": np.zeros(5, np.int32)}
        assert f"labels: expected as many as {first}" in answer(loader, name, more)


@pytest.fixture(scope="module")
def path(paths):
    return paths(points)[1]


@pytest.fixture(scope="module")
def loader(program, path):
    with Loader(program, path) as loader:
        yield loader


def test_it_never_meets_python(loader):
    with open(f"/proc/{loader.process.pid}/maps") as file:
        mapped = {os.path.basename(line.split()[-1]) for line in file}
    assert "libtensorflow_cc.so.2" in mapped
    assert not [name for name in mapped if "python" in name or "pywrap" in name]


def test_threads_are_as_many_as_told(program, path):
    def running(threads):
        with Loader(program, path, threads) as loader:
            loader("sample", seeds=np.arange(9))
            return len(os.listdir(f"/proc/{loader.process.pid}/task"))

    assert running(9) - running(2) >= 7


def test_callers_in_several_threads_get_their_own_answers(loader):
    with ThreadPoolExecutor(8) as pool:
        seeds = np.arange(200)
        expected = loader("sample", seeds=seeds)["points"]
        alone = pool.map(lambda seed: loader("sample", seeds=seed)["points"], np.split(seeds, 200))
        np.testing.assert_allclose(np.concatenate(list(alone)), expected, atol=1e-6)


def test_times_are_those_of_each_call(program, path):
    start = time.perf_counter()
    with Loader(program, path) as loader:
        elapsed = time.perf_counter() - start
        assert elapsed / 100 < loader.load_seconds < elapsed
        loader.time("sample", 3, seeds=np.arange(1024))
        start = time.perf_counter()
        seconds = loader.time("sample", 20, seeds=np.arange(1024))
        elapsed = time.perf_counter() - start
        assert seconds.shape == (20,)
        assert elapsed / 10 < seconds.sum() < elapsed
        with pytest.raises(LoaderError, match="INVALID_ARGUMENT"):
            loader.time("sample", 3, seeds=np.arange(3.0))


def test_a_folder_that_cannot_be_loaded_is_an_error(program, path, tmp_path):
    with pytest.raises(LoaderError, match="NOT_FOUND"):
        Loader(program, tmp_path)
    for broken in ("saved_model.pb", "variables/variables.data-00000-of-00001"):
        copy = shutil.copytree(path, tmp_path / broken.partition("/")[0])
        (copy / broken).write_bytes((copy / broken).read_bytes()[:99])
        with pytest.raises(LoaderError, match=r"^[A-Z_]+: "):
            Loader(program, copy)


def test_a_program_that_has_ended_is_an_error(program, path):
    with Loader(program, path) as loader:
        loader.process.kill()
        with pytest.raises(LoaderError, match="ended with status -9"):
            loader("sample", seeds=np.arange(1))
