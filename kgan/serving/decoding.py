"""Image files to pixels in a graph, as `kgan.data.image` reads them for training."""

from collections.abc import Sequence

import tensorflow as tf

# Orientations other than upright: EXIF's tag 0x0112 in either byte order, XMP's, and what may hold
# them compressed. \C is any byte.
_TURNED = r"""(?s)\C*(?:
(?:Exif\x00\x00|eXIf)\C*
(?:\x12\x01\C\x00\x01\x00\x00\x00[\x02-\x08]|\x01\x12\x00\C\x00\x00\x00\x01\x00{0,3}[\x02-\x08])
|tiff:Orientation(?:="|>)[2-8]
|XML:com\.adobe\.xmp\x00\x01
|Raw\x20profile\x20type\x20exif
)\C*""".replace("\n", "")
# A PNG of one of the two kinds with alpha, or with transparent colours: of less than 8 bits these
# take 1 to 16 bytes, which their length before the name tells from a text that has the word.
_HAS_ALPHA = r"""(?s)\C{25}[\x04\x06]\C*
|\C{24}[\x08\x10]\C*tRNS\C*
|\C*\x00\x00\x00[\x01-\x10]tRNS\C*""".replace("\n", "")


def decoded(file: tf.Tensor, shape: Sequence[int]) -> tf.Tensor:
    """Returns the pixels of a PNG or JPEG file, composited on white.

    Turned files are refused: a graph does not turn them upright, as training did. A JPEG of CMYK
    may differ by one level from what training read.

    Args:
        file: string scalar.
        shape: `(height, width, 1 or 3)` of the image.

    Returns:
        uint8 of the shape; the graph fails on a file of another size or kind.
    """
    upright = tf.logical_not(tf.strings.regex_full_match(file, _TURNED))
    wanted = "image_bytes: expected a file without an orientation in EXIF or XMP: turn it upright"
    with tf.control_dependencies([tf.debugging.Assert(upright, [wanted])]):
        levels = tf.cond(tf.io.is_jpeg(file), lambda: _of_jpeg(file), lambda: _of_png(file))
    if shape[-1] == 1:
        levels = _grey(levels)
    return tf.ensure_shape(tf.cast(levels, tf.uint8), shape)


def _of_jpeg(file):
    # Pillow's way; TensorFlow's default is a faster one.
    return tf.cast(tf.io.decode_jpeg(file, 3, dct_method="INTEGER_ACCURATE"), tf.int32)


def _of_png(file):
    """Returns int32 `(height, width, 3)` in [0, 255]."""
    pixels = tf.cast(tf.io.decode_png(file, 4, tf.uint16), tf.int32)
    with tf.control_dependencies([pixels]):  # what is no PNG, the decoder tells best
        kind = tf.strings.substr(file, 25, 1)
    # Of 16 bits grey goes to the nearest level, and colour to its high byte; 8 bits stay.
    levels = tf.where(kind == b"\0", (pixels + 128) // 257, pixels // 256)
    # Without alpha TensorFlow makes up one, which of less than 8 bits is not opaque.
    has_alpha = tf.strings.regex_full_match(file, _HAS_ALPHA)
    colours, alpha = levels[..., :3], tf.where(has_alpha, levels[..., 3:], 255)
    mixed = colours * alpha + 255 * (255 - alpha) + 128
    return (mixed + mixed // 256) // 256  # Pillow's division by 255


def _grey(levels):
    """Returns the luma of ITU-R BT.601, in Pillow's fixed point; what is grey stays."""
    weighted = tf.reduce_sum(levels * [19595, 38470, 7471], axis=-1, keepdims=True)
    return (weighted + 32768) // 65536
