"""Wrong calls of `kgan evaluate`."""

import numpy as np
import pytest

from tests.wrong_calls.calls import held


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere is neither a run, a SavedModel, a folder of images nor an .npz"),
        (["run", "nowhere"], "nowhere is neither a run"),
        (["run", "--metrics", "fid,fud"], "Unknown metric 'fud'"),
        (["run", "--metrics", "fid,"], "Unknown metric ''"),
        (["run", "--features", "digit-cnn"], "Unknown features 'digit-cnn'"),
        (["run", "--features", "inception-2015", "--inception-graph", "images.npz"],
         "images.npz is not the Inception graph of 2015-12-05"),
        (["run", "--inception-graph", "nothing.pb"], "--inception-graph nothing.pb"),
        (["run", "--split", "held"], "Unknown split 'held'. Known: test, train, validation."),
        (["run", "--checkpoint", "newest"], "Unknown checkpoint 'newest'. Known: best, last."),
        (["saved_models/digits-mlp", "--checkpoint", "best"], "has no checkpoint 'best'"),
        (["images.npz"], "does not tell its data: name the real images with --dataset"),
        (["images.npz", "--dataset", "dgits"], "Did you mean 'digits'?"),
        (["images.npz", "--dataset", "ring"], "holds points, not images"),
        (["images.npz", "--dataset", "digits", "--image-size", "16"], "images are 8x8x1, those of"),
        (["others.npz", "--dataset", "digits"], "others.npz holds no array 'images'"),
        (["run", "--samples", "0"], "--samples 0: expected 1 or more"),
        (["run", "--samples", "1"], "expects 2 rows or more. Draw more: --samples 10000"),
        (["run", "--image-size", "big"], "--image-size 'big'"),
        (["run", "--out", "images.npz"], "Cannot write images.npz"),
        (["run", "--metrics", "fid,fid,"], "Unknown metric ''"),
        (["run", "--samples", "1000001"], "1,000,000 at most"),
        (["run", "--features", "./full/file"], "Unknown features './full/file'"),
        (["run", "--features", "saved_models/digits-mlp/1:decode"], "has no endpoint 'decode'"),
        (["run", "--inception-graph", "empty"], "--inception-graph empty: Is a directory"),
        (["run", "--out", "dangling"], "no writable folder"),
        (["empty"], "Found no images in 'empty'"),
        (["full/file"], "is neither a run, a SavedModel, a folder of images nor an .npz"),
        (["loop"], "is neither a run, a SavedModel, a folder of images nor an .npz"),
        (["run", "--dataset", "./full"], "Found no images in"),
        (["run", "--dataset", "digits", "--data-dir", "empty"], "Leave out --data-dir"),
        (["run", "--label", "kind"], "Unknown column of 'digits': 'kind'. Known: label."),
        (["folder.npz"], "folder.npz holds no array 'images' (a folder or a device, no file)"),
        (["saved_models/digits-mlp", "run", "--checkpoint", "worst"], "no checkpoint 'worst'"),
        ([], "Missing argument"),
    ],
)  # fmt: skip
def test_evaluate(arguments, message, inside):
    np.savez("images.npz", images=np.zeros((40, 8, 8, 1), np.uint8))
    np.savez("others.npz", pictures=np.zeros((9, 8, 8, 1), np.uint8))
    held(["evaluate", *arguments], message, inside)
