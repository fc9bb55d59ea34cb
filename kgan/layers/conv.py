"""Keras's 2-D convolutions, fast on a CPU for the small maps and few channels of image GANs.

A convolution is one trilinear form, sum(y * conv(x, w)). Its gradients in y, x and w are the
convolution, the transposed convolution and the filter gradient, and each of these three has the
other two for gradients. So the functions below are closed under differentiation: a gradient of
any order, a gradient penalty's too, runs on the same three.

Each falls back on TensorFlow's own operation (oneDNN's on a CPU), which is near the processor's
peak but for three cases, all of a stride that divides the kernel and the map:

- filter gradients of small maps, above all in 16 bits: a matrix product for each shift of the
  space-to-depth image;
- transposed convolutions to very few channels, as images have: a convolution of stride 1 to
  stride^2 as many and depth to space (Shi et al. 2016, section 3, https://arxiv.org/abs/1609.05158);
- transposed convolutions from tiny maps of many channels: each phase of the output is a
  convolution of stride 1 of its own (appendix of the same).
"""

import functools

import keras
import tensorflow as tf


def _conv(x, w, stride: int):
    """Returns the "same" convolution of `x` (n, h, w, c) with `w` (k, l, c, f)."""

    @tf.custom_gradient
    def conv(x, w):
        def gradient(dy):
            dx = _transposed(dy, w, stride, tf.shape(x), x.shape)
            return dx, _filter_gradient(x, dy, w.shape[:2], stride)

        return tf.nn.conv2d(x, w, stride, "SAME"), gradient

    return conv(x, w)


def _transposed(y, w, stride: int, shape, static_shape):
    """Returns the gradient of `_conv` in `x`: from `y` (n, ., ., f) to `shape` (n, h, w, c)."""

    @tf.custom_gradient
    def transposed(y, w):
        def gradient(dx):
            dx = tf.ensure_shape(dx, static_shape)
            return _conv(dx, w, stride), _filter_gradient(dx, y, w.shape[:2], stride)

        return _transposed_value(y, w, stride, shape, static_shape), gradient

    return transposed(y, w)


def _transposed_value(y, w, stride: int, shape, static_shape):
    """Returns `_transposed` by whichever way is fastest, with TensorFlow's gradients."""
    if _divides(stride, w.shape, static_shape) and w.shape[2] <= 4:
        x = _transposed_to_depth(y, w, stride)
    elif _divides(stride, w.shape, static_shape) and _area(y) <= 16 and w.shape[2] >= 128:
        x = _transposed_by_phases(y, w, stride)
    else:
        x = tf.nn.conv2d_transpose(y, w, shape, stride, "SAME")
    return tf.ensure_shape(x, static_shape)


def _filter_gradient(x, y, kernel_size, stride: int):
    """Returns the gradient of `_conv` in `w`: (k, l, c, f)."""

    @tf.custom_gradient
    def filter_gradient(x, y):
        def gradient(dw):
            return _transposed(y, dw, stride, tf.shape(x), x.shape), _conv(x, dw, stride)

        small = 16 if y.dtype == tf.float32 else 64
        if _divides(stride, kernel_size, x.shape) and _area(y) <= small:
            return _filter_gradient_by_shifts(x, y, kernel_size, stride), gradient
        w = tf.raw_ops.Conv2DBackpropFilter(
            input=x,
            filter_sizes=(*kernel_size, x.shape[-1], y.shape[-1]),
            out_backprop=y,
            strides=[1, stride, stride, 1],
            padding="SAME",
        )
        return w, gradient

    return filter_gradient(x, y)


def _area(y) -> int:
    return y.shape[1] * y.shape[2]


def _divides(stride: int, kernel_size, x_shape) -> bool:
    return all(size % stride == 0 for size in (*kernel_size[:2], *x_shape[1:3]))


def _crops(kernel_size, stride: int) -> list[tuple[int, int]]:
    """Returns what "same" pads before and after each side, where `stride` divides all sizes."""
    return [((k - stride) // 2, (k - stride + 1) // 2) for k in kernel_size]


def _transposed_to_depth(y, w, stride: int):
    """Returns `_transposed` as a full convolution of `y` with blocks of `w`, and depth to space."""
    rows, columns = w.shape[0] // stride, w.shape[1] // stride
    blocks = tf.reshape(w, (rows, stride, columns, stride, *w.shape[2:]))
    blocks = tf.reverse(blocks, (0, 2))
    kernel = tf.reshape(tf.transpose(blocks, (0, 2, 5, 1, 3, 4)), (rows, columns, w.shape[3], -1))
    pads = [[0, 0], [rows - 1] * 2, [columns - 1] * 2, [0, 0]]
    x = tf.nn.conv2d(y, kernel, 1, pads)
    x = tf.nn.depth_to_space(x, stride) if stride > 1 else x
    (top, bottom), (left, right) = _crops(w.shape[:2], stride)
    return x[:, top : x.shape[1] - bottom, left : x.shape[2] - right]


def _transposed_by_phases(y, w, stride: int):
    """Returns `_transposed` as a convolution of `y` for each of the stride^2 output phases."""
    crops = [crop for crop, _ in _crops(w.shape[:2], stride)]
    taps = [size // stride for size in w.shape[:2]]
    # Phase p of the output sees every stride-th tap from (p + crop) % stride on, last one first.
    for axis in (0, 1):
        order = [
            (phase + crops[axis]) % stride + stride * tap
            for phase in range(stride)
            for tap in reversed(range(taps[axis]))
        ]
        w = tf.gather(w, order, axis=axis)
    w = tf.transpose(w, (0, 1, 3, 2))

    def pads(axis, phase):
        after = (phase + crops[axis]) // stride
        return [taps[axis] - 1 - after, after]

    def convolve(i, j):
        kernel = w[i * taps[0] : (i + 1) * taps[0], j * taps[1] : (j + 1) * taps[1]]
        return tf.nn.conv2d(y, kernel, 1, [[0, 0], pads(0, i), pads(1, j), [0, 0]])

    phases = range(stride)
    x = tf.stack([tf.stack([convolve(i, j) for j in phases], axis=3) for i in phases], axis=2)
    return tf.reshape(x, (-1, stride * y.shape[1], stride * y.shape[2], w.shape[3]))


def _filter_gradient_by_shifts(x, y, kernel_size, stride: int):
    """Returns `_filter_gradient` as a matrix product for each shift of the space-to-depth image."""
    (height, width), filters, channels = y.shape[1:3], y.shape[3], x.shape[3]
    x = tf.pad(x, [[0, 0], *_crops(kernel_size, stride), [0, 0]])
    x = tf.nn.space_to_depth(x, stride) if stride > 1 else x
    rows, columns = (size // stride for size in kernel_size)
    shifts = [x[:, i : i + height, j : j + width] for i in range(rows) for j in range(columns)]
    y = tf.reshape(y, (-1, filters))
    products = [
        # With `y` on the left oneDNN runs at full speed, the other way round it does not.
        tf.matmul(y, tf.reshape(shift, (-1, shift.shape[3])), transpose_a=True)
        for shift in shifts
    ]
    w = tf.reshape(tf.stack(products), (rows, columns, filters, stride, stride, channels))
    return tf.reshape(tf.transpose(w, (0, 3, 1, 4, 5, 2)), (*kernel_size, channels, filters))


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
    """`keras.layers.Conv2D`: the same weights, configuration and mathematics, faster on a CPU.

    Called with `training=False` it has TensorFlow's own gradients, so that an exported model holds
    no others.
    """

    def call(self, inputs, training=None):
        if training is False or _is_plain(self, inputs) or self.groups > 1:
            return super().call(inputs)
        outputs = _conv(inputs, tf.convert_to_tensor(self.kernel), self.strides[0])
        return _finished(self, outputs)


@keras.saving.register_keras_serializable("kgan")
class Conv2DTranspose(keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose`: as `Conv2D` is to Keras's."""

    def call(self, inputs, training=None):
        if _is_plain(self, inputs) or self.output_padding is not None:
            return super().call(inputs)
        static_shape = self.compute_output_shape(inputs.shape)
        shape = (tf.shape(inputs)[0], *static_shape[1:])
        kernel = tf.convert_to_tensor(self.kernel)
        transposed = _transposed_value if training is False else _transposed
        return _finished(self, transposed(inputs, kernel, self.strides[0], shape, static_shape))


def _finished(layer, outputs):
    if layer.use_bias:
        outputs = tf.nn.bias_add(outputs, tf.convert_to_tensor(layer.bias))
    return layer.activation(outputs)
