"""What the networks of a model must be, as far as it can be seen in their layers."""

import re

import keras
from keras import layers

from kgan.errors import InputError
from kgan.layers import SpectralNormalization
from kgan.models.precision import all_layers

SPANS = {
    "sigmoid": (0.0, 1.0),
    "hardsigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hardtanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
}
"""What activations span, by their names in lower case without underscores."""
# By their class names: what moves, repeats, drops or averages values, and leaves them bounded.
_KEEPING = re.compile(
    "inputlayer|identity|cast|activityregularization|reshape|flatten|permute|transpose|squeeze|"
    "expanddims|getitem|repeatvector|(cropping|zeropadding|upsampling).d|"
    "(global)?(average|max)pooling.d|(spatial)?dropout(.d)?"
)


def check_functional(**networks) -> None:
    """Raises an InputError unless all are functional models, or Sequential ones that are built."""
    for name, network in networks.items():
        if not isinstance(network, keras.Model) or not getattr(network, "inputs", None):
            raise InputError(
                f"The {name} is {type(network).__name__}: expected a functional Keras model, or a "
                "Sequential one that begins with keras.Input."
            )


def check_classes(num_classes: int | None, **networks) -> None:
    """Raises an InputError unless networks take labels if there are classes, of as many.

    Args:
        num_classes: Number of classes; None without.
        **networks: Functional models by their names.
    """
    for name, network in networks.items():
        extra = network.inputs[1:]
        if num_classes is None and extra:
            raise InputError(
                f"The {name} takes {len(network.inputs)} inputs and num_classes is None: pass the "
                "number of classes if one is labels, else build it with one input."
            )
        if num_classes is None:
            continue
        takes = [(tuple(t.shape), keras.backend.standardize_dtype(t.dtype)) for t in extra]
        if len(takes) != 1 or takes[0][0] != (None,) or "int" not in takes[0][1]:
            raise InputError(
                f"num_classes is {num_classes} and the {name} takes "
                f"{takes or 'nothing'} beside its first input: expected labels, integers (batch,)."
            )
        for layer in all_layers(network):
            found = getattr(layer, "num_classes", None)
            if isinstance(layer, layers.Embedding):
                found = layer.input_dim
            if found not in (None, num_classes):
                raise InputError(
                    f"num_classes is {num_classes}, but the {name} was built for {found}: build "
                    "both networks for as many classes as there are."
                )


def check_generator(generator: keras.Model, value_range: tuple[float, float]) -> None:
    """Raises an InputError unless a generator takes latents, and images of it span the range."""
    takes = [tuple(tensor.shape) for tensor in generator.inputs]
    if len(takes[0]) != 2:
        raise InputError(
            f"The generator takes {takes}: expected one input, (batch, latent_dim), or that one "
            "and labels, (batch,)."
        )
    if any(isinstance(layer, SpectralNormalization) for layer in all_layers(generator)):
        raise InputError(
            "The generator has SpectralNormalization: expected it in the discriminator alone, "
            "before whose updates its norms are moved on."
        )
    name = last_activation(generator)
    is_image = len(generator.output_shape) == 4
    if is_image and name in SPANS and SPANS[name] != value_range:
        raise InputError(
            f"The generator ends in {name}, which spans {SPANS[name]}, and value_range is "
            f"{value_range}: pass value_range={SPANS[name]}."
        )


def checked_players(
    generator: keras.Model,
    discriminator: keras.Model,
    value_range: tuple[float, float],
    num_classes: int | None,
) -> keras.Model:
    """Returns the discriminator with `(batch,)` logits, of players that fit each other.

    Args:
        generator: From latents, and labels if there are classes.
        discriminator: From what it makes.
        value_range: What images span.
        num_classes: Number of classes; None without.

    Raises:
        InputError: They do not fit each other or the classes, or one is none.
    """
    check_functional(generator=generator, discriminator=discriminator)
    check_classes(num_classes, generator=generator, discriminator=discriminator)
    check_generator(generator, value_range)
    discriminator = with_logits(discriminator)
    makes, takes = generator.output_shape[1:], tuple(discriminator.inputs[0].shape[1:])
    if makes != takes:
        raise InputError(
            f"The generator makes {makes} and the discriminator takes {takes}: build both for "
            "one image_shape."
        )
    return discriminator


def with_logits(discriminator: keras.Model) -> keras.Model:
    """Returns the discriminator with one logit an example, `(batch,)`.

    Raises:
        InputError: It has other outputs, or bounded ones.
    """
    gives = [tuple(tensor.shape) for tensor in discriminator.outputs]
    if gives not in ([(None,)], [(None, 1)]):
        raise InputError(
            f"The discriminator gives {gives}: expected one logit an example, (batch,) or "
            "(batch, 1)."
        )
    name = last_activation(discriminator)
    if name in SPANS:
        raise InputError(
            f"The discriminator ends in {name}: expected logits, which the losses take for "
            "unbounded. Leave its last activation out."
        )
    if gives == [(None,)]:
        return discriminator
    logits = layers.Reshape((), dtype="float32")(discriminator.outputs[0])
    first, *others = discriminator.inputs
    # A list of one is warned of by Keras when the model is called on a tensor.
    inputs = [first, *others] if others else first
    return keras.Model(inputs, logits, name=discriminator.name)


def last_activation(network: keras.Model) -> str:
    """Returns the name of what a network applies last that may change the span of values."""
    operations = getattr(network, "operations", None) or network.layers
    for operation in reversed(operations):
        if isinstance(operation, keras.Model):
            if nested := last_activation(operation):
                return nested
            continue
        activation = getattr(operation, "activation", None)
        name = getattr(activation, "__name__", type(operation).__name__).replace("_", "").lower()
        casts = isinstance(operation, layers.Activation) and name == "linear"
        if not casts and not _KEEPING.fullmatch(name):
            return name
    return ""
