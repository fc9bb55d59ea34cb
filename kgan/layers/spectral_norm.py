"""Kernels divided by their spectral norm."""

import keras
from keras import ops

ITERATIONS_AT_FIRST = 20  # so that the first update sees the norm and no lower bound of it
EPSILON = 1e-12


@keras.saving.register_keras_serializable("kgan")
class SpectralNormalization(keras.layers.Wrapper):
    """Spectral normalisation W / sigma(W) (Miyato et al. 2018, equations 8 and 10, Algorithm 1).

    sigma is u^T W v, of the kernel as a matrix with a row for every output; its gradient reaches W,
    with u and v held. They are state: `iterate` moves them by one step of the power method, once
    before each update of the discriminator, and no call does. So what the generator's update sees,
    and every piece and replica, has one norm. Keras's own layer writes the divided kernel over the
    trained one instead.

    Args:
        layer: One with a `kernel` or, as embeddings of labels have, `embeddings`, whose last axis
            is the outputs. It computes in the wrapper's dtype.
        **kwargs: As of `keras.layers.Wrapper`.

    Call arguments:
        inputs: The layer's.

    Returns:
        The layer's outputs, with the kernel divided. A kernel of zeros stays as it is.
    """

    def __init__(self, layer, **kwargs):
        kwargs.setdefault("dtype", layer.dtype_policy)
        # The norm is of the kernel as it is stored, not as it is cast for the layer.
        super().__init__(layer, autocast=False, **kwargs)
        layer.dtype_policy = self.dtype_policy
        self._divided = False

    def build(self, input_shape=None):
        if not self.layer.built:
            self.layer.build(input_shape)
        found = [getattr(self.layer, name, None) for name in ("kernel", "embeddings")]
        self.kernel = next((kernel for kernel in found if kernel is not None), None)
        if self.kernel is None:
            raise ValueError(
                f"SpectralNormalization received {type(self.layer).__name__}: expected a layer "
                "with a kernel or embeddings."
            )
        rows, columns = ops.reshape(self.kernel, (-1, self.kernel.shape[-1])).shape
        # Equal on all replicas, which need not tell each other.
        self.u, self.v = (
            self.add_weight(
                (size,),
                initializer="random_normal",
                trainable=False,
                aggregation="only_first_replica",
                name=name,
            )
            for size, name in ((columns, "u"), (rows, "v"))
        )
        for _ in range(ITERATIONS_AT_FIRST):
            self.iterate()

    def iterate(self) -> None:
        """Moves u and v by one step of the power method: v <- W^T u, u <- W v, of length 1."""
        matrix = self._matrix()
        v = _unit(ops.matmul(matrix, self.u))
        self.v.assign(v)
        self.u.assign(_unit(ops.matmul(ops.transpose(matrix), v)))

    def divide(self) -> None:
        """Writes the divided kernel over the layer's, for a model that trains no more."""
        self.kernel.assign(self.normalized_kernel())
        self._divided = True

    def normalized_kernel(self):
        """Returns W / sigma, float32."""
        kernel = ops.convert_to_tensor(self.kernel)
        u, v = ops.stop_gradient(self.u), ops.stop_gradient(self.v)
        sigma = ops.sum(v * ops.matmul(self._matrix(), u))
        return kernel / ops.where(sigma > EPSILON, sigma, 1.0)

    def _matrix(self):
        kernel = ops.convert_to_tensor(self.kernel)
        return ops.reshape(kernel, (-1, kernel.shape[-1]))

    def call(self, inputs, **kwargs):
        if self._divided:
            return self.layer(inputs, **kwargs)
        with keras.StatelessScope([(self.kernel, self.normalized_kernel())]):
            return self.layer(inputs, **kwargs)

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)


def _unit(vector):
    return vector / ops.maximum(ops.sqrt(ops.sum(ops.square(vector))), EPSILON)


def spectrally_normalized(layer: keras.layers.Layer, really: bool = True) -> keras.layers.Layer:
    """Returns a layer with spectral normalisation if `really`, else as it is."""
    return SpectralNormalization(layer) if really else layer
