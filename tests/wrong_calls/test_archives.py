"""Arrays in files of anybody's: what claims too much, is damaged or could run something."""

import io
import shutil
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgan.errors import InputError
from kgan.metrics import arrays
from kgan.tasks.finetune.results import Results
from tests.wrong_calls.calls import QUICK, held, refused


def npz(**members):
    """Returns the bytes of an .npz with members as they are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def npy(array, shape=None, descr=None):
    """Returns the bytes of an .npy whose header claims what it likes."""
    buffer = io.BytesIO()
    about = {"descr": descr or "|u1", "fortran_order": False, "shape": shape or array.shape}
    np.lib.format.write_array_header_1_0(buffer, about)
    return buffer.getvalue() + array.tobytes()


PIXELS = np.zeros((3, 8, 8, 1), np.uint8)


def pickled():
    buffer = io.BytesIO()
    np.savez(buffer, images=np.array([{"a": 1}], object))
    return buffer.getvalue()


def bomb():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("images.npy", npy(PIXELS))
    return buffer.getvalue()


ARCHIVES = {
    "empty file": (b"", "no array 'images'"),
    "no archive": (b"\x93NUMPY" + b"x" * 99, "no array 'images'"),
    "cut": (npz(images=npy(PIXELS))[:200], "no array 'images'"),
    "no images": (npz(pixels=npy(PIXELS)), "no array 'images' in it, but pixels"),
    "no array": (npz(images=b"hello"), "no array 'images'"),
    "60 GB": (npz(images=npy(PIXELS, (10**6, 250, 240, 1))), "an array claims 60.0 GB, of which"),
    "more than there is": (npz(images=npy(PIXELS, (4, 8, 8, 1))), "an array claims"),
    "less than there is": (npz(images=npy(PIXELS, (2, 8, 8, 1))), "an array claims"),
    "a size below 0": (npz(images=npy(PIXELS, (-3, 8, -8, 1))), "no array 'images'"),
    "a size beyond 64 bits": (npz(images=npy(PIXELS, (10**30, 8, 8, 1))), "an array claims over"),
    "objects": (pickled(), "Python's objects"),
    "pickled": (npz(images=npy(PIXELS, (1,), "|O")), "Python's objects"),
    "another compression": (bomb(), "compressed in another way"),
    "a deep header": (npz(images=b"\x93NUMPY\x01\x00\xff\x0f" + b"(" * 4095), "no array 'images'"),
    "floats": (npz(images=npy(PIXELS.astype(np.float32), descr="<f4")), "expected uint8"),
    "three axes": (npz(images=npy(PIXELS[..., 0])), "expected uint8"),
    "no rows": (npz(images=npy(PIXELS[:0])), "expected uint8"),
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_an_archive_that_is_none(kind, workdir):
    content, message = ARCHIVES[kind]
    (workdir / "images.npz").write_bytes(content)
    held(["evaluate", "images.npz", "--dataset", "digits"], message, workdir)


@QUICK
@given(data=st.data())
def test_a_mutated_archive_is_read_or_refused(whole, place, data):
    (path,) = (whole / "finetune").glob("classifier-*.npz")
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(len(content) // 2, len(content))) :]
    (place / "x.npz").write_bytes(content)
    refusal = refused(arrays.read, place / "x.npz")
    assert refusal is None or "\n" not in refusal


def test_kept_weights_that_are_damaged_are_named(whole, tmp_path):
    place = shutil.copytree(whole / "finetune", tmp_path / "finetune")
    results = Results(place, {"dataset": "digits", "sizes": [1, 2, 3]})
    assert len(results.kept_weights(20, 0)) == 2
    assert results.kept_weights(20, 1) is None
    (path,) = place.glob("classifier-*.npz")
    for content in (path.read_bytes()[:-50], npz(seed=npy(np.zeros((), np.uint8), ()))[:-5], b""):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"classifier-.* is damaged .*: remove it"):
            results.kept_weights(20, 0)
