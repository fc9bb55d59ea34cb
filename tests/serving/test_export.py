import io
import json
import os
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import kgan
from kgan.errors import InputError
from kgan.models import GAN, Classifier
from kgan.models.seeds import seed_labels
from kgan.networks import dcgan, mlp
from kgan.serving import SavedGenerator, export
from kgan.serving.saved import signatures as signatures_of
from kgan.serving.saved import versions
from tests.serving.families import coder

SHIPPED = Path(__file__).parents[2] / "saved_models" / "digits-dcgan"


@pytest.fixture(scope="module")
def gan():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    keras.utils.set_random_seed(0)
    gan = GAN(dcgan.generator((16, 8, 3), 5, width=4), dcgan.discriminator((16, 8, 3), width=4))
    keras.config.set_dtype_policy(before)
    gan.compile(run_eagerly=True)
    images = np.random.default_rng(0).integers(0, 256, (16, 16, 8, 3), dtype=np.uint8)
    gan.fit(images, batch_size=16, verbose=0)
    return gan


@pytest.fixture(scope="module")
def path(gan, tmp_path_factory):
    return export(gan, tmp_path_factory.mktemp("saved_models"), "small")


@pytest.fixture(scope="module")
def load():
    """Returns a function that returns an export's endpoints, loaded once."""
    loaded = {}

    def load(path):
        if path not in loaded:
            loaded[path] = tf.saved_model.load(str(path))
        return loaded[path].signatures

    return load


@pytest.fixture(scope="module")
def signatures(load, path):
    return load(path)


def test_endpoints_have_the_promised_names_types_and_shapes(signatures):
    def described(name):
        signature = signatures[name]
        inputs = {
            key: (spec.dtype, spec.shape.as_list())
            for key, spec in signature.structured_input_signature[1].items()
        }
        outputs = {
            key: (spec.dtype, spec.shape.as_list())
            for key, spec in signature.structured_outputs.items()
        }
        return inputs, outputs

    images = (tf.uint8, [None, 16, 8, 3])
    seeds = {"seeds": (tf.int64, [None])}
    assert described("sample") == (seeds, {"images": images})
    assert described("serving_default") == (seeds, {"images": images})
    assert described("sample_png") == (seeds, {"image_bytes": (tf.string, [None])})
    latents = {"latents": (tf.float32, [None, 5])}
    assert described("generate") == (latents, {"images": images})
    scores = {key: (tf.float32, [None]) for key in ("logits", "probabilities")}
    assert described("discriminate") == ({"images": images}, scores)


@pytest.mark.parametrize("n", [1, 3, 64])
def test_samples_equal_the_models_within_a_grey_level(gan, signatures, n):
    served = signatures["sample"](seeds=tf.range(n, dtype=tf.int64))["images"].numpy()
    assert np.abs(served.astype(int) - gan.sample(range(n))).max() <= 1


def test_png_bytes_are_the_images(signatures):
    seeds = tf.constant([4, 9], tf.int64)
    images = signatures["sample"](seeds=seeds)["images"].numpy()
    files = signatures["sample_png"](seeds=seeds)["image_bytes"].numpy()
    for image, data in zip(images, files, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), image)


def test_discriminate_is_the_discriminator_in_float32(gan, signatures):
    images = gan.sample(range(6))
    scores = signatures["discriminate"](images=tf.constant(images))
    assert scores["logits"].shape == (6,)
    np.testing.assert_allclose(scores["probabilities"], tf.sigmoid(scores["logits"]), rtol=1e-6)
    # The network itself computes in bfloat16: equal to its precision only.
    np.testing.assert_allclose(
        scores["logits"], gan.discriminator(gan.to_range(images), training=False), atol=0.05
    )
    alone = signatures["discriminate"](images=tf.constant(images[2:3]))["logits"]
    np.testing.assert_allclose(alone, scores["logits"][2:3], atol=1e-5)


def test_batches_change_the_shipped_digits_by_rounding_only():
    signatures = tf.saved_model.load(str(versions(SHIPPED)[-1])).signatures

    def served(name, rows, size):
        (argument,) = set(signatures[name].structured_input_signature[1]) - {"labels"}
        parts = (slice(start, start + size) for start in range(0, len(rows), size))
        labels = np.arange(len(rows), dtype=np.int32) % 10
        found = [
            signatures[name](
                **{argument: tf.constant(rows[part])}, labels=tf.constant(labels[part])
            )
            for part in parts
        ]
        return np.concatenate([next(iter(part.values())).numpy() for part in found])

    images = served("sample", np.arange(1024), 64)
    logits = served("discriminate", images, 64)
    for size in (1, 7, 1024):
        levels = np.abs(served("sample", np.arange(1024), size) - images.astype(int))
        assert levels.max() <= 1
        assert np.count_nonzero(levels) <= 10
        assert np.abs(served("discriminate", images, size) - logits).max() < 1e-5


def test_read_back_it_draws_the_same(gan, path):
    saved = SavedGenerator(path)
    assert saved.latent_dim == 5
    assert np.abs(saved.sample(range(70)).astype(int) - gan.sample(range(70))).max() <= 1


def test_points_are_served_as_points(tmp_path):
    gan = GAN(mlp.generator((2,), 3, width=4), mlp.discriminator((2,), width=2, pieces=2))
    path = export(gan, tmp_path, "points")
    signatures = tf.saved_model.load(str(path)).signatures
    assert "sample_png" not in signatures
    points = signatures["sample"](seeds=tf.range(5, dtype=tf.int64))["points"]
    np.testing.assert_allclose(points, gan.sample(range(5)), atol=1e-6)


@pytest.fixture(scope="module")
def classes():
    """A GAN of points in the plane, of three classes."""
    return GAN(
        mlp.generator((2,), 3, width=4, init_range=0.5, num_classes=3),
        mlp.discriminator((2,), width=4, pieces=2, init_range=0.5, num_classes=3),
        num_classes=3,
        class_frequencies=[3, 0, 1],
    )


@pytest.fixture(scope="module")
def of_classes(classes, tmp_path_factory):
    return export(classes, tmp_path_factory.mktemp("saved_models"), "classes")


def test_of_classes_labels_are_asked_for_or_drawn(classes, of_classes, load):
    signatures = load(of_classes)
    seeds, labels = np.arange(40), np.arange(40, dtype=np.int32) % 4 - 1
    served = signatures["sample"](seeds=tf.constant(seeds), labels=tf.constant(labels))["points"]
    np.testing.assert_allclose(served, classes.sample(seeds, labels), atol=1e-6)
    drawn = seed_labels(seeds, (3, 0, 1)).numpy()
    other = np.abs(served - classes.sample(seeds)).max(1) > 1e-5
    asked = (labels >= 0) & (labels != drawn)
    assert not other[~asked].any()
    assert other[asked].mean() > 0.8  # a unit at 0 may hide a label
    latents = tf.ones((40, 3))
    served = signatures["generate"](latents=latents, labels=tf.constant(seeds.astype("i4") % 3))
    np.testing.assert_allclose(served["points"], classes.generate(latents, seeds % 3), atol=1e-6)
    logits = signatures["discriminate"](points=served["points"], labels=tf.zeros(40, tf.int32))
    expected = classes.discriminator([served["points"], tf.zeros(40, tf.int32)])
    np.testing.assert_allclose(logits["logits"], expected, atol=1e-6)


def test_of_classes_a_version_tells_how_many_and_how_often(of_classes):
    known = json.loads((of_classes / "assets.extra" / "kgan.json").read_text())
    assert known["num_classes"] == 3
    assert known["class_frequencies"] == [3, 0, 1]
    assert known["endpoints"]["sample"]["inputs"] == {"labels": "int32 (n)", "seeds": "int64 (n)"}
    of_none = json.loads((SHIPPED / "1" / "assets.extra" / "kgan.json").read_text())
    assert not {"num_classes", "class_frequencies"} & set(of_none)


def test_versions_count_up_and_a_failure_leaves_nothing(
    classifier, classifying, tmp_path, monkeypatch
):
    assert classifying.name == "1"
    shutil.copytree(classifying, tmp_path / "m" / "1")
    (tmp_path / "m" / "7").mkdir()
    assert export(classifier, tmp_path, "m").name == "8"
    assert (tmp_path / "m" / "1" / "saved_model.pb").exists()  # older ones go only if asked

    def fail(*args, **kwargs):
        raise RuntimeError("disk full")

    monkeypatch.setattr(tf.saved_model, "save", fail)
    with pytest.raises(RuntimeError):
        export(classifier, tmp_path, "m")
    assert sorted(os.listdir(tmp_path / "m")) == [".lock", "1", "7", "8"]


def test_a_full_disk_is_one_clear_error_and_leaves_nothing(classifier, tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", fail)
    with pytest.raises(InputError, match=r"Cannot write .*: No space left on device\."):
        export(classifier, tmp_path, "c")
    assert os.listdir(tmp_path / "c") == [".lock"]


def test_older_versions_go_if_asked(classifier, classifying, tmp_path):
    for version in "123":
        shutil.copytree(classifying, tmp_path / "c" / version)
    (tmp_path / "c" / "0").mkdir()  # none of ours: it holds no SavedModel
    before = (tmp_path / "c" / "3" / "saved_model.pb").stat().st_mtime_ns
    assert export(classifier, tmp_path, "c", keep=2).name == "4"
    assert sorted(p.name for p in (tmp_path / "c").iterdir()) == [".lock", "0", "3", "4"]
    assert (tmp_path / "c" / "3" / "saved_model.pb").stat().st_mtime_ns == before


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "a b", "-a", "$(a)", "é", "a\n"])
def test_a_name_must_be_a_folders(name, classifier, tmp_path):
    with pytest.raises(InputError, match=r"The model's name is .*: expected one such as"):
        export(classifier, tmp_path, name)
    assert not any(tmp_path.iterdir())


def test_what_is_no_generator_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no generator"):
        SavedGenerator(tmp_path)
    tf.saved_model.save(tf.Module(), str(tmp_path / "other"))
    with pytest.raises(InputError, match="holds no generator"):
        SavedGenerator(tmp_path / "other")


def test_loading_it_warns_of_nothing(path, caplog):
    tf.saved_model.load(str(path))
    assert [record.message for record in caplog.records if record.levelname != "INFO"] == []


SHAPE = (8, 9, 3)
IMAGES = np.random.default_rng(0).integers(0, 256, (5, *SHAPE), dtype=np.uint8)
ABOUT = {"run": "00003-small", "data_licence": None, "scores": {"n": 3}}


@pytest.fixture(scope="module")
def classifier():
    return Classifier(next(coder("conv_autoencoder", SHAPE, width=4)), 3, ("cat", "dog", "eel"))


@pytest.fixture(scope="module")
def classifying(classifier, tmp_path_factory):
    return export(classifier, tmp_path_factory.mktemp("saved_models"), "c", ABOUT)


def test_a_classifier_serves_probabilities(classifier, classifying, load):
    signatures = load(classifying)
    assert set(signatures) == {"classify", "classify_png", "serving_default"}
    served = signatures["classify"](images=tf.constant(IMAGES))["probabilities"]
    assert served.shape == (5, 3)
    np.testing.assert_allclose(tf.reduce_sum(served, 1), np.ones(5), rtol=1e-6)
    np.testing.assert_allclose(served, classifier.classify(IMAGES), atol=1e-6)
    of_files = signatures["classify_png"](image_bytes=tf.constant([encoded(x) for x in IMAGES]))
    np.testing.assert_allclose(of_files["probabilities"], served, atol=1e-6)


def encoded(image, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind)
    return file.getvalue()


def test_a_classifier_takes_grey_files_and_jpegs_and_refuses_others(classifying, load):
    classify = load(classifying)["classify_png"]
    files = [encoded(IMAGES[0, ..., 0]), encoded(IMAGES[0], "JPEG")]
    assert classify(image_bytes=tf.constant(files))["probabilities"].shape == (2, 3)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[7,9,3\] is not .* \[8,9,3\]"):
        classify(image_bytes=tf.constant([files[0], encoded(IMAGES[0, :7])]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="Unknown image file format"):
        classify(image_bytes=tf.constant([b"no image", files[0]]))


def test_a_negative_seed_is_refused(signatures):
    with pytest.raises(tf.errors.InvalidArgumentError, match="seeds: expected 0 or more"):
        signatures["sample"](seeds=tf.constant([3, -1], tf.int64))


@pytest.mark.parametrize("served", ["path", "classifying", "of_classes"])
def test_warm_up_requests_are_logs_of_requests_to_every_endpoint(served, request, load):
    prediction_log = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    place = request.getfixturevalue(served)
    loaded = load(place)
    records = tf.data.TFRecordDataset(str(place / "assets.extra" / "tf_serving_warmup_requests"))
    logs = [prediction_log.PredictionLog.FromString(record.numpy()) for record in records]
    wanted = [log.predict_log.request for log in logs]
    assert sorted(x.model_spec.signature_name for x in wanted) == sorted(loaded)
    for one in wanted:
        assert one.model_spec.name == place.parent.name
        inputs = {key: tf.constant(tf.make_ndarray(value)) for key, value in one.inputs.items()}
        for output in loaded[one.model_spec.signature_name](**inputs).values():
            assert output.shape[0] == 1


def test_a_version_tells_what_it_is(classifying):
    known = json.loads((classifying / "assets.extra" / "kgan.json").read_text())
    assert known["family"] == "Classifier"
    assert known["image_shape"] == [8, 9, 3]
    assert known["class_names"] == ["cat", "dog", "eel"]
    assert known["endpoints"]["classify_png"] == {
        "inputs": {"image_bytes": "string (n)"},
        "outputs": {"probabilities": "float32 (n, 3)"},
    }
    assert set(known["endpoints"]) == set(signatures_of(classifying))
    assert known["kgan"] == kgan.__version__
    assert {key: known[key] for key in ABOUT} == ABOUT


def test_other_models_have_no_endpoints(tmp_path):
    with pytest.raises(InputError, match="Sequential has no endpoints: expected one of GAN"):
        export(keras.Sequential(), tmp_path, "x")
    assert os.listdir(tmp_path / "x") == [".lock"]
