"""Wrong calls of `kgan pretrain`."""

import pytest

from tests.wrong_calls.calls import held


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--amount", "1.5"], "amount of corruption is 1.5: expected above 0 and at most 1"),
        (["--amount", "nan"], "reconstruction.amount is nan: expected a finite number"),
        (["--corruption", "gaussian", "--amount", "0"], "amount of corruption is 0.0"),
        (["--amount", "0.5"], "an amount needs a corruption"),
        (["--corruption", "blur"], "Unknown corruption 'blur'"),
        (["--model", "vae", "--corruption", "masking"], "the VAE takes no corruption"),
        (["--model", "denoising", "--corruption", "none"], "denoising needs a corruption"),
        (["--beta", "2"], "beta is for the VAE"),
        (["--model", "vae", "--beta", "-1"], "reconstruction.beta is -1.0: expected 0 or more"),
        (["--model", "vae", "--beta", "inf"], "reconstruction.beta is inf: expected a finite"),
        (["--likelihood", "gaussian"], "take squared_error"),
        (["--likelihood", "gauss"], "Unknown likelihood 'gauss'"),
        (["--model", "vae", "--likelihood", "squared_error"], "bernoulli or gaussian"),
        (["--model", "stacked", "--binarization", "dynamic"], "take static"),
        (["--binarization", "often"], "Known: auto, dynamic, none, static"),
        (["--likelihood", "squared_error", "--binarization", "static"], "likelihood bernoulli"),
        (["--model", "autoencoder"], "Did you mean 'conv_autoencoder'"),
        (["--code-size", "0"], "code_size is 0"),
        (["--code-size", "1000000000"], "of memory or more"),
        (["--dataset", "ring"], "holds points, not images"),
        (["--preset", "mnist"], "'mnist' is for kgan train, not for kgan pretrain"),
        (["--batch-size", "2000"], "has 1198 training examples"),
        (["--image-size", "4"], "8x8 or more"),
        (["--set", "network.options.depht=2", "--model", "stacked"], "Did you mean"),
        (["--set", "network.options.depth=0", "--model", "stacked"], "depth is 0"),
        (["--set", "network.options.depth=1000000000", "--model", "stacked"], "depth is 10000"),
        (["--set", "network.options.depth=1000000000", "--model", "vae"], "depth is 10000"),
        (["--set", "network.options.depth=-1", "--model", "vae"], "depth is -1"),
        (["--set", "network.options.activation=x", "--model", "stacked"], "Unknown activation"),
        (["--set", "network.options.width=1000000000", "--model", "vae"], "of memory or more"),
        (["--set", "likelihood_samples=3"], "likelihood_samples is for the VAE"),
        (["--set", "schedule=constant"], "Unknown setting 'schedule': it is that of optimizer.lea"),
        (
            ["--set", "optimizer.learning_rate=often"],
            "learning_rate is 'often': expected a number",
        ),
        (["--resume", "nothing"], "nothing is no run"),
        (["--resume", "run"], "is one of kgan train: go on with kgan train --resume run"),
        (["--resume", "x", "--epochs", "3"], "leave out --run-dir, --preset and --epochs"),
    ],
)
def test_pretrain(arguments, message, inside):
    held(["pretrain", *arguments], message, inside)
