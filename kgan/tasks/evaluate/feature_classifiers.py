"""Trains the small classifiers whose features KGAN's scores use, and freezes them.

    python -m kgan.tasks.evaluate.feature_classifiers mnist --data-dir DIR

NAME.pb, a frozen GraphDef, and NAME.json, what is known of it, lie in kgan/metrics/classifiers.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import (
    convert_variables_to_constants_v2,
)

import kgan
from kgan.data.pipeline import batches
from kgan.data.split import Splits, split
from kgan.metrics import CLASSIFIERS
from kgan.models import Adam, Classifier
from kgan.models.precision import in_float32
from kgan.networks.conv_classifier import encoder
from kgan.tasks.finetune.experiment import in_memory
from kgan.training import precision


@dataclass(frozen=True)
class Recipe:
    """How one classifier is trained.

    Attributes:
        width: Channels of the first stage; each further one has twice as many.
        stages: Of two convolutions each, the map halved between them.
        epochs: Passes over the training split.
        shift: By how many pixels at most an image is moved, each way, at random.
        flip: Whether it is mirrored half of the time.
    """

    width: int
    stages: int
    epochs: int
    shift: int
    flip: bool = False


RECIPES = {
    "digits": Recipe(width=32, stages=2, epochs=200, shift=1),
    "mnist": Recipe(width=32, stages=3, epochs=12, shift=2),
    "cifar10": Recipe(width=40, stages=3, epochs=40, shift=4, flip=True),
}
BATCH_SIZE = 128


def augmented(images: tf.Tensor, shift: int, flip: bool, step: tf.Tensor | int) -> tf.Tensor:
    """Returns a batch whose images are moved, zeros coming in, and maybe mirrored, at random."""
    seed = tf.stack([tf.cast(step, tf.int64), 0])
    n, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    draw = tf.random.stateless_uniform((n, 3), seed)
    moves = tf.cast(tf.floor(draw[:, :2] * (2 * shift + 1)), tf.int32)
    padded = tf.pad(images, [[0, 0], [shift, shift], [shift, shift], [0, 0]])
    rows = tf.gather(padded, moves[:, :1] + tf.range(height), batch_dims=1, axis=1)
    columns = moves[:, 1:] + tf.range(width)
    if flip:
        columns = tf.where(draw[:, 2:] < 0.5, columns, columns[:, ::-1])
    moved = tf.gather(tf.transpose(rows, [0, 2, 1, 3]), columns, batch_dims=1, axis=1)
    return tf.transpose(moved, [0, 2, 1, 3])


def train(data: Splits, recipe: Recipe, seed: int = 0) -> Classifier:
    """Returns a classifier trained on the training split, by the recipe alone."""
    train = in_memory(data.train)
    steps = recipe.epochs * len(train) // BATCH_SIZE
    keras.utils.set_random_seed(seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision.policy(precision.resolve("auto")))
    try:
        network = encoder(train.image_shape, recipe.width, recipe.stages)
        classifier = Classifier(network, len(train.class_names), train.class_names, (-1.0, 1.0))
    finally:
        keras.config.set_dtype_policy(before)
    classifier.compile(Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)))

    def changed(step, batch):
        return augmented(batch[0], recipe.shift, recipe.flip, step), batch[1]

    examples = batches(train, BATCH_SIZE, seed, 0, steps, [train.label], static=False)
    examples = tf.data.Dataset.zip(tf.data.Dataset.range(steps), examples).map(changed)
    classifier.fit(examples.prefetch(2), steps_per_epoch=steps // recipe.epochs,
                   epochs=recipe.epochs, shuffle=False, verbose=2)  # fmt: skip
    return classifier


def freeze(classifier: Classifier) -> bytes:
    """Returns the GraphDef from `images` uint8 to `features` and `probabilities` float32."""

    @tf.function(
        input_signature=[tf.TensorSpec([None, *classifier.image_shape], tf.uint8, name="images")]
    )
    def call(images):
        features = in_float32(classifier.encoder, classifier.to_range(images))
        logits = classifier.network.get_layer("logits")(features)
        return (
            tf.identity(features, name="features"),
            tf.nn.softmax(logits, name="probabilities"),
        )

    frozen = convert_variables_to_constants_v2(call.get_concrete_function())
    return frozen.graph.as_graph_def().SerializeToString(deterministic=True)


def main() -> None:
    """Trains, tests, freezes and writes NAME.pb and NAME.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("dataset", choices=RECIPES)
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path, default=CLASSIFIERS)
    options = parser.parse_args()
    began, data = time.monotonic(), split(options.dataset, data_dir=options.data_dir)
    classifier = train(data, RECIPES[options.dataset])
    test = data.test
    labels = classifier.classify(np.asarray(test.images)).argmax(axis=1)
    about = {
        "trained_on": f"{data.train.name}, {len(data.train):,} images of the training part",
        "class_names": classifier.class_names,
        "test_accuracy": round(float((labels == test.labels).mean()), 5),
        "test_images": len(test),
        "parameters": classifier.network.count_params(),
        "minutes": round((time.monotonic() - began) / 60, 1),
        "kgan": kgan.__version__,
        "tensorflow": tf.__version__,
    }
    name = f"{options.dataset}-cnn"
    (options.out / f"{name}.pb").write_bytes(freeze(classifier))
    (options.out / f"{name}.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(about))


if __name__ == "__main__":
    main()
