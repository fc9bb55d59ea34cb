"""Keras's 2-D convolutions with gradients that are fast on a CPU.

A convolution is one trilinear form: the sum of y * conv(x, w). Its three partial gradients are the
convolution, the transposed convolution and the filter gradient, and the gradient of each of these
three is made of the other two. So `_conv`, `_transposed` and `_filter_gradient` are closed under
differentiation: whatever order of gradient is asked for runs on the same three kernels.
"""

import functools

import keras
import tensorflow as tf


def _space_to_patches(x, kernel_size, stride, output_size):
    """Returns the patches that a "same" convolution sees, as one matrix.

    Args:
        x: (batch, height, width, channels).
        kernel_size: (rows, columns), each a multiple of `stride`.
        stride: Step between patches, the same in both directions.
        output_size: (rows, columns) of the convolution's output.

    Returns:
        (batch * output rows * output columns, blocks * stride**2 * channels): space to depth turns
        the strided convolution into one of stride 1 over `blocks` shifts.
    """
    pads = []
    for size, kernel, out in zip(x.shape[1:3], kernel_size, output_size, strict=True):
        total = (out - 1) * stride + kernel - size
        pads.append([total // 2, total - total // 2])
    x = tf.pad(x, [[0, 0], *pads, [0, 0]])
    if stride > 1:
        x = tf.nn.space_to_depth(x, stride)
    rows, columns = output_size
    shifts = [
        x[:, i : i + rows, j : j + columns]
        for i in range(kernel_size[0] // stride)
        for j in range(kernel_size[1] // stride)
    ]
    patches = tf.concat(shifts, axis=-1)
    return tf.reshape(patches, (-1, patches.shape[-1]))


def _filter_gradient_as_matmul(x, y, kernel_size, stride):
    """Returns the filter gradient as space to depth and one matrix product."""
    channels, filters = x.shape[-1], y.shape[-1]
    patches = _space_to_patches(x, kernel_size, stride, y.shape[1:3])
    # With `y` on the left the product runs at full speed; the other way round it does not.
    w = tf.matmul(tf.reshape(y, (-1, filters)), patches, transpose_a=True)
    blocks = [size // stride for size in kernel_size]
    w = tf.reshape(w, (filters, *blocks, stride, stride, channels))
    return tf.reshape(tf.transpose(w, (1, 3, 2, 4, 5, 0)), (*kernel_size, channels, filters))


def _as_matmul(x, y, kernel_size, stride) -> bool:
    """Whether the filter gradient is faster as one matrix product than as oneDNN's convolution."""
    fits = all(
        size % stride == 0 and (out - 1) * stride + size >= n
        for size, out, n in zip(kernel_size, y.shape[1:3], x.shape[1:3], strict=True)
    )
    return fits and y.shape[1] * y.shape[2] <= 64 and x.shape[-1] >= 16


def _conv(x, w, stride):
    """Returns the "same" convolution of `x` (n, h, w, c) with `w` (k, k, c, f)."""

    @tf.custom_gradient
    def conv(x, w):
        def gradient(dy):
            dx = _transposed(dy, w, stride, tf.shape(x), x.shape)
            return dx, _filter_gradient(x, dy, w.shape[:2], stride)

        return tf.nn.conv2d(x, w, stride, "SAME"), gradient

    return conv(x, w)


def _transposed(y, w, stride, shape, static_shape):
    """Returns the gradient of `_conv` in its input: `y` (n, ., ., f) to `shape` (n, h, w, c)."""

    @tf.custom_gradient
    def transposed(y, w):
        def gradient(dx):
            dx = tf.ensure_shape(dx, static_shape)
            return _conv(dx, w, stride), _filter_gradient(dx, y, w.shape[:2], stride)

        x = tf.nn.conv2d_transpose(y, w, shape, stride, "SAME")
        return tf.ensure_shape(x, static_shape), gradient

    return transposed(y, w)


def _filter_gradient(x, y, kernel_size, stride):
    """Returns the gradient of `_conv` in its filter: (k, k, c, f)."""

    @tf.custom_gradient
    def filter_gradient(x, y):
        def gradient(dw):
            return _transposed(y, dw, stride, tf.shape(x), x.shape), _conv(x, dw, stride)

        if _as_matmul(x, y, kernel_size, stride):
            return _filter_gradient_as_matmul(x, y, kernel_size, stride), gradient
        w = tf.raw_ops.Conv2DBackpropFilter(
            input=x,
            filter_sizes=(*kernel_size, x.shape[-1], y.shape[-1]),
            out_backprop=y,
            strides=[1, stride, stride, 1],
            padding="SAME",
        )
        return w, gradient

    return filter_gradient(x, y)


@functools.cache
def _has_gpu() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))


def _is_plain(layer, inputs) -> bool:
    """Whether Keras's own operation serves: another case than ours, or a GPU's own kernels."""
    return (
        layer.padding != "same"
        or layer.data_format != "channels_last"
        or layer.strides[0] != layer.strides[1]
        or max(layer.dilation_rate) > 1
        or None in inputs.shape[1:]
        or _has_gpu()
    )


@keras.saving.register_keras_serializable("kgan")
class Conv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D`: the same weights, configuration and mathematics, faster on a CPU."""

    def convolution_op(self, inputs, kernel):
        if _is_plain(self, inputs) or self.groups > 1:
            return super().convolution_op(inputs, kernel)
        kernel = tf.convert_to_tensor(kernel)
        return _conv(inputs, kernel, self.strides[0])


@keras.saving.register_keras_serializable("kgan")
class Conv2DTranspose(keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose`: as `Conv2D` is to Keras's."""

    def call(self, inputs):
        if _is_plain(self, inputs) or self.output_padding is not None:
            return super().call(inputs)
        static_shape = self.compute_output_shape(inputs.shape)
        shape = (tf.shape(inputs)[0], *static_shape[1:])
        kernel = tf.convert_to_tensor(self.kernel)
        outputs = _transposed(inputs, kernel, self.strides[0], shape, static_shape)
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, tf.convert_to_tensor(self.bias))
        return self.activation(outputs)
