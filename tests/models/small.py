"""One small model of each class, as the tests of saving and of callbacks share them."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

import kgan
from kgan.layers import (
    BatchNormalization,
    ConditionalBatchNormalization,
    Conv2D,
    Dropout,
    LabelEmbedding,
    Maxout,
)
from kgan.models import MomentumSGD

SHAPE, LATENT = (4, 4, 1), 3
IMAGES = np.random.default_rng(0).integers(0, 256, (8, *SHAPE), dtype=np.uint8)
LABELS = np.arange(8) % 2
LAYERS = 2  # of the stack


def network(inputs, outputs, *between):
    first = keras.Input(inputs)
    x = layers.Flatten()(first)
    for layer in (layers.Dense(6, activation="tanh"), *between):
        x = layer(x)
    return keras.Model(first, layers.Reshape(outputs)(layers.Dense(int(np.prod(outputs)))(x)))


def gan():
    generator = network((LATENT,), SHAPE, BatchNormalization())
    image = keras.Input(SHAPE)
    x = layers.Flatten()(Conv2D(2, 3, padding="same")(image))
    x = Maxout(3, pieces=2)(Dropout(0.3)(x))
    discriminator = keras.Model(image, layers.Reshape(())(layers.Dense(1)(x)))
    return kgan.GAN(generator, discriminator, ema_half_life=6.6, seed=5)


def conditional_gan():
    latents, labels = keras.Input((LATENT,)), keras.Input((), dtype="int32")
    x = ConditionalBatchNormalization(2)([layers.Dense(6)(latents), labels])
    images = layers.Reshape(SHAPE)(layers.Dense(int(np.prod(SHAPE)))(x))
    generator = keras.Model([latents, labels], images)
    image = keras.Input(SHAPE)
    x = Dropout(0.3)(layers.Dense(5, activation="relu")(layers.Flatten()(image)))
    product = layers.Dot(1)([x, LabelEmbedding(2, 5)(labels)])
    discriminator = keras.Model([image, labels], layers.Add()([layers.Dense(1)(x), product]))
    return kgan.GAN(
        generator, discriminator, ema_half_life=6.6, seed=5, num_classes=2, class_frequencies=[1, 3]
    )


def autoencoder():
    coders = network(SHAPE, (3,), layers.Dropout(0.3)), network((3,), SHAPE)
    return kgan.Autoencoder(*coders, corruption=kgan.Corruption("masking", 0.3), seed=5)


def stacked():
    encoders = [network(SHAPE, (5,), Dropout(0.3)), network((5,), (3,))]
    decoders = [network((5,), SHAPE), network((3,), (5,))]
    return kgan.StackedAutoencoder(encoders, decoders)


def vae():
    image = keras.Input(SHAPE)
    x = layers.Dropout(0.3)(layers.Dense(6)(layers.Flatten()(image)))
    encoder = keras.Model(image, [layers.Dense(LATENT)(x), layers.Dense(LATENT)(x)])
    return kgan.VAE(encoder, network((LATENT,), SHAPE), "gaussian", beta=0.5, seed=5)


def classifier():
    return kgan.Classifier(network(SHAPE, (5,), Dropout(0.3)), 2, ("even", "odd"))


MODELS = {
    "GAN": gan,
    "ConditionalGAN": conditional_gan,
    "Autoencoder": autoencoder,
    "StackedAutoencoder": stacked,
    "VAE": vae,
    "Classifier": classifier,
}


GANS = "GAN", "ConditionalGAN"
LABELLED = "Classifier", "ConditionalGAN"  # What needs labels.


def compiled(name, **options):
    """Returns a small model, nothing about how it is compiled being the default."""
    keras.utils.set_random_seed(0)
    model = MODELS[name]()
    schedule = keras.optimizers.schedules.CosineDecay(0.02, 100)
    if name in GANS:
        options = {
            "objective": "hinge",
            "generator_optimizer": MomentumSGD(0.1, ramp_steps=10),
            "discriminator_optimizer": keras.optimizers.Adam(schedule),
            "discriminator_steps": 2,
            "penalties": {"r1": 0.5},
            "accumulate": 2,
            **options,
        }
    elif name == "Classifier":
        options = {"optimizer": keras.optimizers.RMSprop(schedule), **options}
    else:
        options = {"optimizer": keras.optimizers.Adam(schedule), "accumulate": 2, **options}
    model.compile(**options)
    return model


def data(name):
    """Returns what `fit` and `evaluate` of a model take."""
    return (IMAGES, LABELS) if name in LABELLED else (IMAGES,)


def batches(name, size):
    """Returns the same as batches: Keras does not build a pipeline for each call."""
    return tf.data.Dataset.from_tensor_slices(data(name)).batch(size)


def state(model):
    """Returns everything that training changes."""
    optimizers = [v for optimizer in model.optimizers for v in optimizer.variables]
    seeds = model.seed_variables
    return [np.asarray(variable.value) for variable in [*model.weights, *optimizers, *seeds]]


def assert_same(state, other):
    assert len(state) == len(other)
    for a, b in zip(state, other, strict=True):
        np.testing.assert_array_equal(a, b)


POINTS = np.random.default_rng(0).normal(size=(24, 2)).astype(np.float32)


def sgd():
    return keras.optimizers.SGD(0.1)


def weights(network):
    return [np.array(w) for w in network.get_weights()]


MONITORS = {"GAN": "val_discriminator_loss"}


class Case:
    """A model that one module's tests train on and on."""

    def __init__(self, name):
        self.name, self.trainings = name, LAYERS if name == "StackedAutoencoder" else 1
        self.monitor = MONITORS.get(name, "val_loss")
        options = {"optimizer": keras.optimizers.Adam(0.02)}
        if name == "GAN":
            options = {
                "objective": "non_saturating",
                "generator_optimizer": keras.optimizers.SGD(0.01),
                "discriminator_optimizer": keras.optimizers.Adam(0.02),
            }
        # A layer's training function would be traced anew whenever it is trained.
        self.model = MODELS[name]()
        self.model.compile(**options, run_eagerly=self.trainings > 1)
        self.data, self.held_out = batches(name, 4), batches(name, 8)

    def fit(self, *callbacks, validates=False, **options):
        return self.model.fit(
            self.data,
            validation_data=self.held_out if validates else None,
            callbacks=list(callbacks),
            **{"shuffle": False, "verbose": 0, **options},
        )

    def rates(self):
        return [float(optimizer.learning_rate) for optimizer in self.model.optimizers]

    def set_rates(self):
        for number, optimizer in enumerate(self.model.optimizers):
            optimizer.learning_rate = 0.01 * (number + 1)
        return self.rates()

    def steady(self, value=lambda epoch: 1.0):
        """Returns a callback that sets what is monitored."""

        def log(epoch, logs):
            logs[self.monitor] = value(epoch)

        return keras.callbacks.LambdaCallback(on_epoch_end=log)
