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

from kgan.errors import InputError
from kgan.models import Classifier
from kgan.networks import conv_autoencoder
from kgan.serving import export, show
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
        endpoints = set(re.findall(r'predict\("(\w+)", ', code))
        assert asked(server) == endpoints
        assert ("classify_png" in endpoints) == (path != DIGITS)


def test_the_readme_shows_what_the_command_prints(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert show(DIGITS) in (ROOT / "README.md").read_text(encoding="utf-8")


def test_what_is_no_saved_model_is_refused(tmp_path):
    with pytest.raises(InputError, match="is no SavedModel with endpoints"):
        show(tmp_path)
