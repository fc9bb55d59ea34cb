"""What `kgan export --show` prints, sent as it stands to a server."""

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from kgan.errors import InputError
from kgan.models import GAN, Classifier
from kgan.networks import conv_autoencoder, mlp
from kgan.serving import export, show, write_models_config
from tests.serving.command import refused
from tests.serving.loader import Loader

pytest.importorskip("tensorflow_serving", reason="The extra serving is not installed.")

from tests.serving.server import Server

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "saved_models" / "digits-dcgan" / "1"


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    model = Classifier(conv_autoencoder.encoder((8, 8, 1), 4, 2), 3)
    return export(model, tmp_path_factory.mktemp("models"), "classes")


@pytest.fixture(scope="module")
def shown(program, classifier):
    """A server of two models, and what is shown of each."""
    with (
        Loader(program, DIGITS, threads=1) as digits,
        Loader(program, classifier, threads=1) as classes,
        Server({"digits-dcgan": {1: digits}, "classes": {1: classes}}) as server,
    ):
        rest = server.rest.removeprefix("http://")
        yield server, {path: show(path, rest, server.grpc) for path in (DIGITS, classifier)}


@pytest.fixture(scope="module")
def of_classes(program, tmp_path_factory):
    """The same of a GAN of two classes, whose endpoints take labels as well."""
    networks = (
        mlp.generator((8, 8, 1), 3, width=4, num_classes=2),
        mlp.discriminator((8, 8, 1), width=4, pieces=2, num_classes=2),
    )
    model = GAN(*networks, (0.0, 1.0), num_classes=2)
    path = export(model, tmp_path_factory.mktemp("models"), "conditional")
    with (
        Loader(program, path, threads=1) as loader,
        Server({"conditional": {1: loader}}) as server,
    ):
        yield server, show(path, server.rest.removeprefix("http://"), server.grpc)


def test_requests_with_labels_get_an_answer_too(of_classes, workdir):
    server, text = of_classes
    _, requests = blocks(text, "sh")
    assert "# sample: labels int32 (n), seeds int64 (n) -> images uint8 (n, 8, 8, 1)" in requests
    names = ["discriminate", "generate", "sample", "sample_png"]
    if shutil.which("curl"):
        for command in re.split(r"^# ", requests, flags=re.MULTILINE)[1:]:
            line = command.partition("\n")[2]
            done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
            outputs = json.loads(done.stdout)["outputs"]
            outputs = outputs["logits"] if isinstance(outputs, dict) else outputs
            assert len(outputs) == 2
        assert asked(server) == set(names)
    (code,) = blocks(text, "python")
    exec(compile(code, "shown", "exec"), {})
    assert asked(server) == set(names)


def asked(server):
    found = {request[4] for request in server.predictions()}
    server.seen.clear()
    return found


def test_the_commands_get_an_answer_from_every_endpoint(shown, classifier, workdir):
    if not shutil.which("curl"):
        pytest.skip("There is no curl.")
    server, texts = shown
    image = np.full((8, 8), 7, np.uint8)
    Image.fromarray(image).save("image.png")
    found = {}
    for text in texts.values():
        start, requests = blocks(text, "sh")
        assert "docker run" in start
        for command in re.split(r"^# ", requests, flags=re.MULTILINE)[1:]:
            comment, _, line = command.partition("\n")
            done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
            found[comment.partition(":")[0]] = json.loads(done.stdout)["outputs"]
    assert asked(server) == set(found)
    assert set(found) == {
        "sample", "sample_png", "generate", "discriminate", "classify", "classify_png",
    }  # fmt: skip
    assert np.shape(found["sample"]) == np.shape(found["generate"]) == (2, 8, 8, 1)
    png = base64.b64decode(found["sample_png"][1]["b64"])
    assert png.startswith(b"\x89PNG")
    assert np.shape(found["discriminate"]["logits"]) == (2,)
    np.testing.assert_allclose(np.sum(found["classify_png"], axis=1), 1, rtol=1e-5)


def test_the_python_gets_an_answer_from_every_endpoint(shown, workdir):
    server, texts = shown
    Image.fromarray(np.zeros((8, 8), np.uint8)).save("image.png")
    for path, text in texts.items():
        (code,) = blocks(text, "python")
        names = {}
        exec(compile(code, "shown", "exec"), names)
        endpoints = set(re.findall(r'predict\(\s*"(\w+)", ', code))
        assert asked(server) == endpoints
        assert ("classify_png" in endpoints) == (path != DIGITS)


def test_the_guide_shows_what_the_command_prints(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert show(DIGITS.with_name("2")) in (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")


def signature(argument="seeds", dtype=9):
    found = SignatureDef()
    for tensors in (found.inputs, found.outputs):
        tensors[argument].dtype = dtype
        tensors[argument].tensor_shape.dim.add(size=-1)
    return found


def saved(place, endpoints):
    """Writes a SavedModel that is but its signatures."""
    graph = saved_model_pb2.SavedModel()
    meta = graph.meta_graphs.add()
    for key, one in endpoints.items():
        meta.signature_def[key].CopyFrom(one)
    place.mkdir(parents=True)
    (place / "saved_model.pb").write_bytes(graph.SerializeToString())
    return place


HOSTILE = ("$(touch x)", "`touch x`", "'; touch x; '", '"; touch x; "', "a\nb", "\x1b[31m", "é")
REFUSALS = (
    "expected one such as digits-dcgan",
    "is no name of an input",
    "expected no control character",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_would_have_to_be_quoted_are_refused(name, workdir):
    for place in (
        saved(workdir / "endpoint" / "1", {name: signature()}),
        saved(workdir / "input" / "1", {"sample": signature(name)}),
        saved(workdir / name / "1", {"sample": signature()}),
    ):
        line = refused("export", "--show", place)
        assert line.isprintable()
        assert any(reason in line for reason in REFUSALS), line
    with pytest.raises(InputError, match="The name of the model in "):
        write_models_config(workdir)


def test_types_and_versions_that_no_request_can_have_are_refused(workdir):
    for dtype in (0, 18, 999):  # none, complex128, unknown
        place = saved(workdir / f"model{dtype}" / "1", {"sample": signature(dtype=dtype)})
        assert f"seeds is of the type {dtype}, expected uint8" in refused("export", "--show", place)
    place = saved(workdir / "model" / "newest", {"sample": signature()})
    assert "the version a number" in refused("export", "--show", place)
    place = saved(workdir / "of" / "1", {"of": signature("class")})
    assert "'class' is no name of an input" in refused("export", "--show", place)


@pytest.mark.parametrize("absolute", [False, True])
def test_the_server_starts_in_a_folder_of_any_name(
    absolute, workdir, tmp_path_factory, monkeypatch
):
    root = workdir / "$(touch x) 'a' \"b\" `touch y`"
    text = show(saved(root / "model" / "1", {"sample": signature()}))
    if absolute:
        monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
        text = show(root / "model" / "1")
    (start, *_) = blocks(text, "sh")
    prelude = "".join(
        f'{name}() {{ printf "%s\\n" {name} "$@"; }}\n'
        for name in ("kgan", "docker", "tensorflow_model_server")
    )
    ran = subprocess.run(["bash", "-c", prelude + start], capture_output=True, text=True)
    assert ran.stderr == ""
    assert not [*workdir.glob("[xy]")]
    here = str(root) if absolute else root.name
    labels = "--allow_version_labels_for_unavailable_models=true"
    assert ran.stdout.splitlines() == [
        "kgan", "export", "--models-config", "--out", here,
        "docker", "run", "--rm", "-p", "8500:8500", "-p", "8501:8501", "-v", f"{root}:/models:ro",
        "tensorflow/serving", "--model_config_file=/models/models.config", labels,
        "kgan", "export", "--models-config", "--out", here, "--base-path", str(root),
        "tensorflow_model_server", "--port=8500", "--rest_api_port=8501",
        f"--model_config_file={root}/models.config", labels,
    ]  # fmt: skip


def test_a_folder_that_no_command_can_hold_is_refused(workdir):
    place = saved(workdir / "\x1b[31m" / "model" / "1", {"sample": signature()})
    with pytest.raises(InputError, match="no command can hold such characters"):
        show(place)
    assert "expected no control character" in refused("export", "--show", place)


def test_what_is_no_saved_model_is_refused(tmp_path):
    with pytest.raises(InputError, match="is no SavedModel with endpoints"):
        show(tmp_path)
