"""Wrong calls of `kgan finetune`."""

import pytest

from tests.wrong_calls.calls import held


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "is no run: finetune takes runs of kgan train on images"),
        (["saved_models"], "is a SavedModel: finetune takes runs"),
        (["run", "--label", "kind"], "Unknown column of 'digits': 'kind'. Known: label."),
        (["run", "--labels", "1e3"], "--labels '1e3': expected numbers"),
        (["run", "--labels", "10,,20"], "expected numbers of labels"),
        (["run", "--labels", "0"], "received 0"),
        (["run", "--labels", "5"], "cannot hold one of each"),
        (["run", "--labels", "100,5000"], "Asked for 5,000 labels, there are 1,198"),
        (["run", "--seeds", "0"], "--seeds 0: expected 1 or more"),
        (["run", "--steps", "0"], "--steps 0: expected 1 or more"),
        (["run", "--batch-size", "-1"], "--batch-size -1: expected 1 or more"),
        (["run", "--learning-rates", "fast"], "--learning-rates 'fast'"),
        (["run", "--learning-rates", "0.1,-1"], "expected numbers above 0"),
        (["run", "--learning-rates", "nan"], "expected numbers above 0"),
        (["run", "--image-size", "16"], "has images of 16x16x1, the run's network takes 8x8x1"),
        (["run", "--arms", "probe,rondom"], "Unknown arm 'rondom'"),
        (["run", "--image-size", "big"], "--image-size 'big'"),
        (["run", "--dataset", "dgits"], "Did you mean 'digits'?"),
        (["run", "--dataset", "ring"], "holds points, not images"),
        (["run", "--labels", "1" * 19], "expected numbers of labels"),
        (["run", "--labels", "²"], "expected numbers of labels"),
        (["run", "--labels", "-5"], "expected numbers of labels"),
        (["run", "--labels", "999999999999999999"], "there are 1,198"),
        (["run", "--seeds", "1001"], "--seeds 1001: expected 1 or more, 1,000 at most"),
        (["run", "--learning-rates", "1e400"], "expected numbers above 0"),
        (["run", "--learning-rates", ","], "--learning-rates ','"),
        (["run", "--arms", ","], "Unknown arm ''"),
        (["run", "--out", "full/file/x"], "no writable folder"),
        (["run", "--out", "dangling"], "no writable folder"),
        (["run", "--strategy", "all"], "'all' is not one of"),
        (["run", "--dataset", "./empty"], "Found no images in"),
        (["full/file"], "is no run: finetune takes runs"),
        (["dangling"], "is no run: finetune takes runs"),
        (["loop"], "is no run: finetune takes runs"),
        (["empty"], "is no run: finetune takes runs"),
        ([], "Missing argument"),
    ],
)
def test_finetune(arguments, message, inside):
    held(["finetune", *arguments], message, inside)
