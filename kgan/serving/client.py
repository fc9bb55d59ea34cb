"""A generator behind TF Serving."""

import math
import re

import numpy as np
from tensorflow.core.framework.types_pb2 import DataType

from kgan.errors import InputError
from kgan.models.labels import MANY_CLASSES, asked_labels
from kgan.models.seeds import check_seeds
from kgan.serving.transports import Grpc, MissingError, Rest, one_line

MAX_BYTES = 1 << 32  # of all images of a call
MAX_TIMEOUT = 86_400
MAX_VERSION = 2**63 - 1


class ServedGenerator:
    """A generator that TF Serving serves, with `sample` and `generate` as a GAN's.

    The version is settled once: should the server load a newer one meanwhile, all images still
    come from one model. Requests that find the server unavailable are repeated, a few times.

    Args:
        server: `http://HOST:PORT` or `https://...` for the REST API, `HOST:PORT` for gRPC, without
            TLS, which needs the extra `serving`.
        name: The model's name there.
        version: A number, or a label, which is not all digits; None for the newest served.
        timeout: Seconds for one request, its repetitions included. Over REST the head of an answer
            that drips in may take longer: there they are for each part that arrives.
        batch_size: Images a request.

    Attributes:
        place: The name and the server, for a sentence.
        version: The number of the version that answers.

    Raises:
        InputError: An argument is wrong, no server answers, or it serves no such generator.
    """

    def __init__(
        self,
        server: str,
        name: str,
        version: int | str | None = None,
        timeout: float = 30.0,
        batch_size: int = 64,
    ):
        if not name:
            raise InputError("--model '': expected the name of a model that the server serves.")
        if not 0 < timeout <= MAX_TIMEOUT:
            raise InputError(
                f"--timeout {timeout:g}: expected seconds, above 0 and {MAX_TIMEOUT:,} at most."
            )
        if batch_size < 1:
            raise InputError(f"--server-batch {batch_size}: expected 1 or more images a request.")
        version = _checked_version(version)
        self.place = f"{name} at {server}"
        self._batch_size = batch_size
        is_rest = re.match(r"https?://", server, re.IGNORECASE)
        self._transport = (Rest if is_rest else Grpc)(server, name, timeout)
        self.version, self._signatures = self._find(version)

    def _find(self, version):
        try:
            return self._transport.metadata(version)
        except MissingError as error:
            reason = error
        try:
            newest = self._transport.metadata(None)[0] if version is not None else None
        except MissingError:
            newest = None
        if newest is None:
            raise InputError(
                f"There is no model {self.place} ({reason}): check --model, and that the server "
                "has loaded it."
            ) from reason
        raise InputError(
            f"{self.place} has no version {version!r} ({reason}): without --model-version you "
            f"get its newest, {newest}."
        ) from reason

    @property
    def latent_dim(self) -> int:
        """Dimensions of a latent.

        Raises:
            InputError: There is no endpoint `generate`.
        """
        inputs = self._signature("generate").inputs
        return inputs["latents"].tensor_shape.dim[1].size

    @property
    def conditional(self) -> bool:
        """Whether it takes labels of classes."""
        found = self._signatures.get("sample")
        return found is not None and "labels" in found.inputs

    def sample(self, seeds, labels=None) -> np.ndarray:
        """Returns one image a seed: see `GAN.sample`.

        Args:
            seeds: Integers `(n,)` from 0 to 2^63 - 1.
            labels: Of a generator with classes: one integer from 0 for all, or `(n,)` of them; -1,
                or None for all, is drawn from the seed by class frequency.

        Raises:
            InputError: A seed or a label is out of range, labels are given for a generator without
                classes, or the server fails.
        """
        return self._draw("sample", "seeds", check_seeds(seeds), labels)

    def generate(self, latents, labels=None) -> np.ndarray:
        """Returns what the generator makes of float32 latents `(n, latent_dim)`, n of 1 or more.

        Args:
            latents: Finite numbers.
            labels: As of `sample`, but none is drawn: there is no seed to draw it from.

        Raises:
            InputError: A label is out of range, labels are given for a generator without classes
                or none for one with them, or the server fails.
        """
        return self._draw("generate", "latents", np.asarray(latents, np.float32), labels)

    def _signature(self, endpoint):
        signature = self._signatures.get(endpoint)
        if signature is None:
            raise InputError(
                f"{self.place} has no endpoint {endpoint!r}, but "
                f"{one_line(', '.join(self._signatures))}: expected a generator, as kgan train or "
                "kgan pretrain --model vae exports it."
            )
        takes, gives = _listed(signature.inputs), _listed(signature.outputs)
        if not (re.fullmatch(_TAKES[endpoint], takes) and re.fullmatch(_GIVES, gives)):
            raise InputError(
                f"{self.place}: endpoint {endpoint!r} goes from {takes} to {gives}, expected from "
                "seeds DT_INT64(-1), or from latents DT_FLOAT(-1, latent_dim), maybe with labels "
                "DT_INT32(-1), to images DT_UINT8(-1, height, width, channels) or points "
                "DT_FLOAT(-1, 2)."
            )
        return signature

    def _draw(self, endpoint, argument, rows, labels):
        signature = self._signature(endpoint)
        ((kind, output),) = signature.outputs.items()
        inputs = {argument: rows}
        conditional, least = "labels" in signature.inputs, -1 if endpoint == "sample" else 0
        if conditional and labels is None and least < 0:
            labels = -1
        # The highest is the server's to look at: it alone knows how many classes there are.
        asked = asked_labels(labels, len(rows), MANY_CLASSES if conditional else None, least)
        if asked is not None:
            inputs["labels"] = asked
        shape = [dim.size for dim in output.tensor_shape.dim[1:]]
        total = len(rows) * math.prod(shape) * np.dtype(_DTYPES[kind]).itemsize
        if total > MAX_BYTES:
            raise InputError(
                f"{self.place} makes {kind} of {'x'.join(map(str, shape))}: {len(rows):,} of them "
                f"take {total / 1e9:,.1f} GB; draw them in parts, by --seeds."
            )
        drawn = []
        for start in range(0, len(rows), self._batch_size):
            end = min(start + self._batch_size, len(rows))
            chunk = {name: values[start:end] for name, values in inputs.items()}
            wanted = (end - start, *shape)
            try:
                found = self._transport.predict(self.version, endpoint, chunk, wanted)
            except MissingError as error:
                raise InputError(
                    f"{self.place} has no version {self.version} any more ({error}): try again."
                ) from error
            drawn.append(self._checked(found, kind, wanted))
        return np.concatenate(drawn)

    def _checked(self, found, kind, shape):
        dtype = np.dtype(_DTYPES[kind])
        if found.shape != shape or not self._transport.fits(found.dtype, dtype):
            raise InputError(
                f"{self.place} answered with {kind} {found.dtype}{list(found.shape)}, expected "
                f"{dtype}{list(shape)}: look at the server, or at what stands between."
            )
        sound = (found >= 0) & (found <= 255) if kind == "images" else np.isfinite(found)
        if not sound.all():
            raise InputError(
                f"{self.place} answered with {kind} that hold {found[~sound][0]}, expected "
                f"{'0 to 255' if kind == 'images' else 'finite numbers'}: look at the server."
            )
        return found.astype(dtype)


_DTYPES = {"images": np.uint8, "points": np.float32}
_LABELS = r"(labels DT_INT32\(-1\), )?"
_TAKES = {
    "sample": _LABELS + r"seeds DT_INT64\(-1\)",
    "generate": _LABELS + r"latents DT_FLOAT\(-1, [0-9]{1,4}\)",
}
_GIVES = r"images DT_UINT8\(-1(, [0-9]{1,6}){3}\)|points DT_FLOAT\(-1, [0-9]{1,6}\)"


def _listed(tensors):
    return one_line(
        ", ".join(
            f"{name} {_type(info)}({', '.join(str(dim.size) for dim in info.tensor_shape.dim)})"
            for name, info in sorted(tensors.items())
        )
    )


def _type(info):
    return DataType.Name(info.dtype) if info.dtype in DataType.values() else info.dtype


def _checked_version(version):
    if version is None:
        return None
    if re.fullmatch("[0-9]{1,19}", str(version)) and int(version) <= MAX_VERSION:
        return int(version)
    if isinstance(version, int) or not re.search("[^0-9]", version):
        raise InputError(f"--model-version {version!r}: expected a version's number, or a label.")
    return version
