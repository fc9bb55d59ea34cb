"""What a network sees in images: features that scores compare, and classes' probabilities."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from kgan.errors import InputError, shown
from kgan.metrics import CLASSIFIERS, classifiers, store

INCEPTION = "inception-2015"
BATCH = 200
DIGITS = 16  # of a hash
FORMAT = 1  # raise it when the same images and network would now give other features


@dataclass(frozen=True)
class Features:
    """What a network makes of n images.

    Attributes:
        features: float32 `(n, d)`.
        probabilities: float32 `(n, classes)`, None from a network that tells none.
    """

    features: np.ndarray
    probabilities: np.ndarray | None

    def __len__(self) -> int:
        return len(self.features)


@dataclass(frozen=True)
class Extractor:
    """A frozen network that turns images into features.

    Attributes:
        name: What scores are named by.
        digest: The first 16 hexadecimal digits of the SHA-256 of its file, or files.
        resizer: How images of other sizes become its own, as a phrase.
        call: From uint8 images `(batch, height, width, channels)` to features and probabilities.
        channels: What it takes; grey images are repeated for a network of 3.
        sides: Height and width that it takes, None for any.
        classes: Whether it tells the probabilities of classes.
        class_names: Theirs, in their order; empty where they are not known.
        caveat: What its scores do not tell of these images, in a sentence; "" if nothing is known.
    """

    name: str
    digest: str
    resizer: str
    call: Callable
    channels: int
    sides: tuple[int, int] | None = None
    classes: bool = True
    class_names: tuple[str, ...] = ()
    caveat: str = ""

    def check(self, image_shape: tuple[int, ...]) -> None:
        """Raises an InputError unless images of this shape can be given to it."""
        fits = self.sides in (None, tuple(image_shape[:2]))
        if len(image_shape) != 3 or image_shape[2] not in (1, self.channels) or not fits:
            received = "x".join(map(str, image_shape))
            of = "x".join(map(str, (*(self.sides or ()), self.channels)))
            raise InputError(
                f"Features {self.name!r} take images of {of} channel"
                f"{'s' if self.channels > 1 else ''}, received {received}: choose other "
                f"--features ({', '.join(names())}, {INCEPTION}, or a SavedModel)."
            )

    def __call__(self, images, folder: Path | None = None) -> Features:
        """Returns the features of images, from the cache if they are there.

        Args:
            images: uint8 `(n, height, width, channels)`, read by slices.
            folder: The cache; what is in it is trusted only if its checksum fits. None for none.

        Raises:
            InputError: Images that the network cannot take.
        """
        self.check(images.shape[1:])
        if folder is None:
            return self._computed(images)
        about = f"{FORMAT} {self.digest}"
        path = folder / f"{self.name}-{store.digest(images, about)}.npz"
        arrays = store.read(path)
        if arrays is None:
            found = self._computed(images)
            store.write(path, **{k: v for k, v in vars(found).items() if v is not None})
            return found
        return Features(arrays["features"], arrays.get("probabilities"))

    def _computed(self, images) -> Features:
        features, probabilities = [], []
        for start in range(0, len(images), BATCH):
            chunk = np.asarray(images[start : start + BATCH])
            count = len(chunk)
            # One batch size: others choose other kernels, and round otherwise.
            chunk = np.resize(chunk, (BATCH, *chunk.shape[1:]))
            found, chances = self.call(tf.constant(chunk))
            features.append(found.numpy()[:count])
            if chances is not None:
                probabilities.append(chances.numpy()[:count])
        return Features(
            np.concatenate(features), np.concatenate(probabilities) if probabilities else None
        )


def names() -> list[str]:
    """Returns the names of the networks that KGAN ships."""
    return classifiers()


def find(
    name: str,
    inception_graph: str | os.PathLike | None = None,
    folder: Path | None = None,
    report: Callable | None = None,
) -> Extractor:
    """Returns a network by its name.

    Args:
        name: One that is shipped, "inception-2015", or the path of a SavedModel's version, with
            `:ENDPOINT` if it is not to be `encode` or else `classify`.
        inception_graph: The file of the 2015 graph, if it is not to be downloaded.
        folder: Where a downloaded graph is kept.
        report: Called as `report(done, total, message)` while it is downloaded.

    Raises:
        InputError: An unknown name, or a file that is missing or not what it should be.
    """
    if name == INCEPTION and inception_graph:
        return inception(Path(inception_graph))
    if name == INCEPTION:
        assert folder is not None, "without the graph's file there is a folder to keep one in"
        return inception(store.downloaded(folder, report))
    if name in names():
        return shipped(name)
    path, _, endpoint = name.partition(":")
    if os.path.isfile(os.path.join(path, "saved_model.pb")):
        return saved_model(Path(path), endpoint or None)
    raise InputError(
        f"Unknown features {shown(name)}. Known: {', '.join([*names(), INCEPTION])}, and the "
        "folder of a SavedModel's version, such as saved_models/NAME/1 or "
        "saved_models/NAME/1:encode."
    )


def shipped(name: str) -> Extractor:
    """Returns a classifier that KGAN ships: see `kgan/tasks/evaluate/feature_classifiers.py`."""
    graph, digest = _graph(CLASSIFIERS / f"{name}.pb")
    call = _pruned(graph, "images", tf.uint8, ("features:0", "probabilities:0"))
    height, width, channels = (
        dim.size
        for dim in next(n for n in graph.node if n.name == "images").attr["shape"].shape.dim[1:]
    )

    def resized(images):
        if images.shape[1:3] != (height, width):
            # Antialiased, as of every resizer for scores it should be (Parmar et al. 2022).
            images = tf.image.resize(images, (height, width), "bilinear", antialias=True)
            images = tf.cast(tf.round(tf.clip_by_value(images, 0, 255)), tf.uint8)
        return call(_repeated(images, channels))

    resizer = f"bilinear, antialiased, to {height}x{width}"
    known = store.class_names(CLASSIFIERS / f"{name}.json")
    return Extractor(name, digest, resizer, resized, channels, class_names=known)


def inception(path: Path) -> Extractor:
    """Returns the network that published scores use (Szegedy et al. 2015; Heusel et al. 2017).

    Features are `pool_3`, 2,048 of them; probabilities are of its 1,008 outputs without their
    biases, as in the published Inception scores (Salimans et al. 2016). The graph itself resizes,
    bilinearly and without antialiasing, to 299x299.

    Args:
        path: The frozen GraphDef of 2015-12-05.

    Raises:
        InputError: No such file, or another one.
    """
    store.check_inception(path)
    return _inception(*_graph(path))


def _inception(graph, digest: str) -> Extractor:
    call = _pruned(graph, "ExpandDims", tf.float32, ("pool_3:0", _logit_weights(graph)))

    def extract(images):
        pooled, weights = call(tf.cast(_repeated(images, 3), tf.float32))
        features = tf.reshape(pooled, (-1, weights.shape[0]))
        return features, tf.nn.softmax(features @ weights)

    return Extractor(INCEPTION, digest, "the graph's own, bilinear, to 299x299", extract, 3)


def _logit_weights(graph) -> str:
    node = next(node for node in graph.node if node.name == "softmax/logits/MatMul")
    return f"{node.input[1]}:0"


def saved_model(path: Path, endpoint: str | None = None) -> Extractor:
    """Returns an endpoint of a SavedModel as features.

    Args:
        path: The version's folder.
        endpoint: From uint8 `images` to float32 `(n, d)`; by default `encode`, else `classify`.

    Raises:
        InputError: It cannot be loaded, or has no such endpoint.
    """
    try:
        model = tf.saved_model.load(str(path))
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise InputError(f"{path} is no SavedModel that can be loaded ({error}).") from error
    known = [name for name in model.signatures if _takes_images(model.signatures[name])]
    endpoint = endpoint or next((name for name in ("encode", "classify") if name in known), None)
    if endpoint not in known:
        raise InputError(
            f"{path} has no endpoint {endpoint or 'encode'!r} from uint8 images: it has "
            f"{', '.join(sorted(known)) or 'none'}."
        )
    function = model.signatures[endpoint]
    shape = function.structured_input_signature[1]["images"].shape[1:]

    told = function.structured_outputs.get("probabilities")
    # A discriminator's is of being real: one number, and no class.
    classes = told is not None and told.shape.rank == 2

    def call(images):
        outputs = function(images=_repeated(images, shape[2]))
        chances = outputs.get("probabilities")
        found = [value for name, value in sorted(outputs.items()) if name != "probabilities"]
        features = (found or [chances])[0]
        return tf.reshape(features, (len(images), -1)), chances if classes else None

    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        if file.name == "saved_model.pb" or file.parent.name == "variables":
            digest.update(file.read_bytes())
    vars(call)["model"] = model  # a signature does not keep its model alive
    return Extractor(
        f"{path.parent.name}-{path.name}-{endpoint}",
        digest.hexdigest()[:DIGITS],
        f"none, {shape[0]}x{shape[1]} only",
        call,
        shape[2],
        tuple(shape[:2]),
        classes,
        store.class_names(path / "assets.extra" / "kgan.json") if classes else (),
    )


def _takes_images(function) -> bool:
    inputs = function.structured_input_signature[1]
    return set(inputs) == {"images"} and inputs["images"].dtype == tf.uint8


def _repeated(images, channels: int):
    """Returns images with their grey repeated for a network of three channels."""
    return images if images.shape[3] == channels else tf.repeat(images, channels, axis=3)


def _graph(path: Path):
    """Returns a frozen GraphDef and the first digits of its SHA-256."""
    data = path.read_bytes()
    return tf.compat.v1.GraphDef.FromString(data), hashlib.sha256(data).hexdigest()[:DIGITS]


def _pruned(graph, name: str, dtype, outputs: tuple[str, ...]) -> Callable:
    """Returns the part of a graph from what the node `name` gives to some of its tensors."""

    def whole(fed):
        tf.import_graph_def(graph, input_map={f"{name}:0": fed}, name="")

    function = tf.compat.v1.wrap_function(
        whole, [tf.TensorSpec([None, None, None, None], dtype, "fed")]
    )
    tensors = [function.graph.as_graph_element(output) for output in outputs]
    return function.prune("fed:0", tensors)
