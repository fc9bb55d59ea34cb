"""What is wrong with names and numbers is told before TensorFlow loads."""

import json
import subprocess
import sys

CALLS = [
    (["train", "--objective", "hinges"], "Did you mean 'hinge'"),
    (["train", "--model", "dcgam"], "Did you mean 'dcgan'"),
    (["train", "--preset", "digit"], "Did you mean 'digits'"),
    (["train", "--precision", "float31"], "Unknown precision"),
    (["train", "--dataset", "digts"], "Did you mean 'digits'"),
    (["train", "--dataset", "./nowhere"], "does not exist"),
    (["train", "--dataset", "full"], "Found no images"),
    (["train", "--set", "batchsize=3"], "Did you mean 'batch_size'"),
    (["train", "--set", "discriminator_optimizer.name=adma"], "Did you mean 'adam'"),
    (["train", "--set", "evaluation.score=fud"], "Unknown score 'fud'"),
    (["train", "--set", "batch_size"], "expected KEY=VALUE"),
    (["train", "--set", "batch_size=x"], "expected an integer"),
    (["train", "--learning-rate", "0"], "expected a number above 0"),
    (["train", "--steps", "0"], "steps is 0"),
    (["train", "--epochs", "1", "--steps", "9"], "without --steps"),
    (["train", "--max-time", "soon"], "expected a duration"),
    (["train", "--image-size", "big"], "expected N or HEIGHTxWIDTH"),
    (["train", "--resume", "nowhere"], "is no run"),
    (["train", "--resume", "x", "--preset", "ring"], "leave out"),
    (["train", "--run-dir", "full"], "not empty"),
    (["train", "--run-dir", "full/file/run"], "Cannot write"),
    (["train", "--out", "full/file/models"], "no writable folder"),
    (["train", "--strategy", "multiworker"], "Several workers need one --run-dir"),
    (["pretrain", "--corruption", "blur"], "Unknown corruption 'blur'"),
    (["pretrain", "--corruption", "masking", "--amount", "2"], "amount of corruption is 2.0"),
    (["pretrain", "--likelihood", "bernouli"], "Did you mean 'bernoulli'"),
    (["pretrain", "--beta", "2"], "beta is for the VAE"),
    (["pretrain", "--model", "vae", "--corruption", "masking"], "takes no corruption"),
    (["pretrain", "--likelihood", "squared_error", "--binarization", "static"], "goes with"),
    (["pretrain", "--amount", "0.5"], "an amount needs a corruption"),
    (["pretrain", "--preset", "mnist"], "is for kgan train"),
    (["pretrain", "--dataset", "ring"], "holds points, not images"),
    (["sample", "nothing"], "neither a run nor a SavedModel"),
    (["sample", "--seeds", "a-b"], "expected numbers and ranges"),
    (["sample", "--out", "x.jpg"], "expected X.png"),
    (["sample", "--columns", "0"], "--columns 0"),
    (["sample", "--timeout", "3"], "expected only with --server"),
    (["evaluate", "nowhere"], "neither a run, a SavedModel"),
    (["evaluate", "full", "--metrics", "fud"], "Unknown metric 'fud'"),
    (["evaluate", "full", "--samples", "0"], "--samples 0"),
    (["evaluate", "full", "--split", "half"], "Unknown split"),
    (["evaluate", "full", "--dataset", "digts"], "Did you mean 'digits'"),
    (["finetune", "nowhere"], "is no run"),
    (["finetune", "full", "--labels", "1e3"], "expected numbers of labels"),
    (["finetune", "full", "--arms", "prob"], "Did you mean 'probe'"),
    (["finetune", "full", "--learning-rates", "nan"], "expected numbers above 0"),
    (["export"], "Nothing to export"),
    (["export", "nowhere"], "is no run"),
    (["export", "--show", "x", "--keep", "2"], "give it alone"),
    (["datasets", "--data-dir", "nowhere"], "there is no such folder"),
    (["datasets", "--data-dir", "full"], "no prepared set"),
    (["datasets", "--clear", "nothing"], "nothing"),
]  # fmt: skip

RUN = """
import json, sys
from click.testing import CliRunner
from kgan.cli import main

found = []
for call in json.load(sys.stdin):
    result = CliRunner().invoke(main, call)
    found.append([result.exit_code, result.stderr, "tensorflow" in sys.modules])
print(json.dumps(found))
"""


def test_wrong_names_and_numbers_need_no_tensorflow(workdir):
    (workdir / "full").mkdir()
    (workdir / "full" / "file").touch()
    given = json.dumps([call for call, _ in CALLS])
    done = subprocess.run(
        [sys.executable, "-c", RUN], input=given, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    for (call, expected), (status, text, loaded) in zip(CALLS, found, strict=True):
        assert (status, loaded) == (2, False), (call, text)
        assert expected in text, call
        assert text.count("\n") == 1, call
    assert {path.name for path in workdir.rglob("*")} == {"full", "file"}
