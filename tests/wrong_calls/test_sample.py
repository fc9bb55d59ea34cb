"""Wrong calls of `kgan sample`."""

import keras
import pytest

import kgan
from kgan import memory
from tests.wrong_calls.calls import held

CALLS = {
    "no model": (["nothing"], "neither a run nor a SavedModel"),
    "a file for a model": (["full/file"], "neither a run nor a SavedModel"),
    "an empty folder": (["empty"], "neither a run nor a SavedModel"),
    "a link to itself": (["loop"], "neither a run nor a SavedModel"),
    "a long name": (["x" * 300], "expected at most 255 bytes"),
    "negative seed": (["--seeds", "-4"], "expected numbers and ranges"),
    "large seed": (["--seeds", "9223372036854775808"], "out of range"),
    "words for seeds": (["--seeds", "a-b"], "expected numbers and ranges"),
    "other digits for seeds": (["--seeds", "٣"], "expected numbers and ranges"),
    "a superscript for seeds": (["--seeds", "²"], "expected numbers and ranges"),
    "seeds without one": (["--seeds", "1,,2"], "expected numbers and ranges"),
    "fractions for seeds": (["--seeds", "0.5"], "expected numbers and ranges"),
    "backwards": (["--seeds", "9-3"], "expected numbers and ranges"),
    "too many": (["--seeds", "0-99999999"], "draw them in parts"),
    "thousands of digits": (["--seeds", "9" * 5000], "expected numbers and ranges"),
    "form": (["--out", "x.jpg"], "expected X.png"),
    "classes of a model without": (["run", "--classes", "3"], "was trained without classes"),
    "classes of a SavedModel without": (
        ["saved_models/digits-mlp", "--classes", "all"],
        "was trained without classes",
    ),
    "an empty class": (["--classes", "1,,2"], "expected names or numbers of classes"),
    "no class": (["--classes", " "], "--classes ' ': expected a word"),
    "truncation of 0": (["--truncation", "0"], "--truncation 0: expected a number above 0"),
    "negative truncation": (["--truncation", "-1"], "--truncation -1: expected a number above"),
    "truncation of nan": (["--truncation", "nan"], "--truncation nan: expected a number above 0"),
    "truncation of infinity": (["--truncation", "inf"], "--truncation inf: expected a number ab"),
    "words for truncation": (["--truncation", "x"], "'x' is not a valid float"),
    "columns": (["--columns", "0"], "--columns 0"),
    "columns beyond memory": (["--columns", "1000000000"], "10,000 at most"),
    "columns of an archive": (
        ["--columns", "2", "--out", "x.npz"],
        "--columns 2: expected only with --out X.png, one sheet, received --out x.npz.",
    ),
    "columns of a walk": (["--columns", "2", "--out", "x.gif"], "only with --out X.png"),
    "columns of a folder": (["--columns", "2", "--out", "x"], "only with --out X.png"),
    "columns of a server's": (
        ["x", "--server", "host:1", "--columns", "2", "--out", "x.npz"],
        "only with --out X.png",
    ),
    "out under a file": (["--out", "full/file/x.png"], "Cannot write"),
    "out on a folder": (["--out", "folder.png"], "there is a folder of this name"),
    "out of a long name": (["--out", "x" * 300 + ".png"], "expected at most 255 bytes"),
    "unknown checkpoint": (["run", "--checkpoint", "newest"], "Known: best, last"),
    "best of a SavedModel": (
        ["saved_models/digits-mlp", "--checkpoint", "best"],
        "has no checkpoint 'best'",
    ),
    "no address": (["x", "--server", "host"], "expected http://HOST:PORT"),
    "a port of 0": (["x", "--server", "host:0"], "expected http://HOST:PORT"),
    "a server without a name": (["--server", "host:1"], "expected one --model NAME"),
    "a name without a server": (["--model", "x"], "expected only with --server"),
    "a version without a server": (["--model-version", "1"], "expected only with --server"),
    "a time without a server": (["--timeout", "1"], "expected only with --server"),
    "a checkpoint of a server": (
        ["x", "--server", "host:1", "--checkpoint", "best"],
        "a server has none",
    ),
}


@pytest.mark.parametrize("case", CALLS)
def test_sample(case, inside):
    arguments, message = CALLS[case]
    held(["sample", *arguments], message, inside)


@pytest.mark.parametrize("arguments", [["--seeds", "0-999"], ["--seeds", "0-99", "--out", "a.gif"]])
def test_what_is_drawn_must_fit_into_memory(arguments, inside, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 2 * 999 * 64)
    held(["sample", "saved_models/digits-mlp", *arguments], "draw them in parts", inside)


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """SavedModels that draw nothing, by name, and one that is none."""
    root = tmp_path_factory.mktemp("others")
    pixels, code = keras.Input((8, 8, 1)), keras.Input((2,))
    encoder = keras.Model(pixels, keras.layers.Dense(2)(keras.layers.Flatten()(pixels)))
    decoder = keras.Model(code, keras.layers.Reshape((8, 8, 1))(keras.layers.Dense(64)(code)))
    autoencoder = kgan.Autoencoder(encoder, decoder)
    kgan.export(autoencoder, root, "autoencoder")
    classifier = kgan.Classifier(encoder, 3, tuple("abc"), (0.0, 1.0))
    kgan.export(classifier, root, "classifier")
    (root / "garbage" / "1").mkdir(parents=True)
    (root / "garbage" / "1" / "saved_model.pb").write_bytes(b"\xff" * 99)
    return root


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("autoencoder", "is a SavedModel of an autoencoder (endpoints decode, encode, reconst"),
        ("classifier", "is a SavedModel of a classifier (endpoints classify, classify_png), whi"),
        ("garbage", "is no SavedModel that can be read"),
    ],
)
@pytest.mark.parametrize("command", ["sample", "evaluate"])
def test_a_saved_model_that_draws_nothing(name, message, command, others, workdir):
    line = held([command, others / name], message, workdir)
    assert ("kgan evaluate --features" in line) == (name != "garbage")
