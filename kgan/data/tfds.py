"""Any image set of tensorflow-datasets, by name; what is on disk is read without a network."""

import contextlib
import dataclasses
import logging
import os
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import numpy as np

from kgan.data import image, prepared
from kgan.data.examples import Examples
from kgan.errors import InputError
from kgan.startup import silent_tensorflow

BATCH = 64  # images decoded at once, where all have one size
PROBE_SECONDS = 6
USUAL_HOST = "https://storage.googleapis.com"


def names() -> list[str]:
    """Returns the names that tensorflow-datasets knows, without asking the network."""
    return _import().list_builders(with_community_datasets=False)


def known(name: str, data_dir: str | os.PathLike | None = None) -> bool:
    """Returns whether `name` (or name/config, name:version) is a set of the library or on disk."""
    tfds = _import()
    try:
        parsed, _ = tfds.core.naming.parse_builder_name_kwargs(name)
    except ValueError:
        return False
    if parsed.namespace:  # lives in a repository on the network
        return False
    return parsed.name in names() or os.path.isdir(os.path.join(_root(data_dir), parsed.name))


def load(
    name: str,
    *,
    data_dir: str | os.PathLike | None = None,
    image_size: int | tuple[int, int] | None = None,
    split: str = "train",
    report: prepared.Report | None = None,
) -> Examples:
    """Returns one split of the set `name`, downloading it if it is not on disk.

    The images are the feature `image`, or else the first image feature; the labels are the feature
    `label`, or else the first class label; a split with unknown labels (-1) has none.

    Args:
        name: `name`, `name/config` or `name:version`. Any version on disk does if none is named.
        data_dir: Where tensorflow-datasets keeps its sets; None is `$TFDS_DATA_DIR` or its default.
        image_size: One side or `(height, width)` to which to scale and cut; None keeps the size.
        split: A split, or a slice of one such as `train[:10%]`.
        report: Called as `report(done, total, message)` while the set is prepared.

    Raises:
        InputError: Not an image set, no such split, or neither on disk nor to be downloaded.
    """
    size = image.parse_size(image_size)
    with _quiet():
        builder = _find(name, data_dir)
        features = builder.info.features
        image_key, label_key = _keys(name, features)
        if not builder.is_prepared():
            _download(name, builder, report)
        info = _split(name, builder, split)
        files = sorted(path.name for path in builder.data_path.iterdir())
        source = {"tfds": str(builder.data_path), "split": split, "image_size": size}
        identity = {
            "tfds": builder.info.full_name,
            "files": prepared.fingerprint(builder.data_path, files),
            "split": split,
            "image_size": size,
        }
        examples = prepared.prepare(
            builder.name,
            source,
            identity,
            _read(name, builder, split, image_key, label_key, size),
            total=info.num_examples,
            class_names=tuple(features[label_key].names) if label_key else (),
            report=report,
        )
        test = builder.info.splits.get("test") if split == "train" else None
        return dataclasses.replace(examples, test_size=test.num_examples if test else 0)


def splits(name: str, data_dir: str | os.PathLike | None = None) -> tuple[str, ...]:
    """Returns the splits of the set `name` that hold examples; none before it is prepared.

    Args:
        name: As in `load`.
        data_dir: As in `load`.

    Raises:
        InputError: There is no such set, or it cannot be opened.
    """
    with _quiet():
        found = _find(name, data_dir).info.splits
        return tuple(key for key, info in found.items() if info.num_examples)


def licence(name: str, data_dir: str | os.PathLike | None = None) -> str | None:
    """Returns the licence that the set `name` tells; None if it is not there or tells none.

    Args:
        name: As in `load`.
        data_dir: As in `load`.
    """
    with _quiet():
        try:
            return _find(name, data_dir).info.redistribution_info.license or None
        except InputError:
            return None


def _import() -> Any:
    import tensorflow_datasets

    return tensorflow_datasets


def _root(data_dir: str | os.PathLike | None) -> str:
    default = os.environ.get("TFDS_DATA_DIR") or os.path.join("~", "tensorflow_datasets")
    return os.path.expanduser(data_dir or default)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps tensorflow-datasets from logging, and from asking its bucket about each set."""
    with silent_tensorflow():
        import tensorflow  # noqa: F401, which it would load.
    tfds = _import()
    tfds.core.utils.gcs_utils._is_gcs_disabled = True
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _find(name: str, data_dir: str | os.PathLike | None) -> Any:
    """Returns the builder: from the files on disk, or else from the library's code."""
    tfds = _import()
    where = {"data_dir": _root(data_dir)}
    try:
        parsed, options = tfds.core.naming.parse_builder_name_kwargs(name)
        with contextlib.suppress(tfds.core.DatasetNotFoundError):
            return tfds.core.read_only_builder.builder_from_files(str(parsed), **where, **options)
        return tfds.builder(name, **where)
    except Exception as error:  # the library raises anything on a wrong config or a damaged set
        raise InputError(
            f"Could not open the tensorflow-datasets set {name!r} in {where['data_dir']!r} "
            f"({_line(error)}). Check name/config:version, or build it again with `tfds build`."
        ) from error


def _keys(name: str, features: Any) -> tuple[str, str | None]:
    """Returns the names of the image feature and of the class label, or None without one."""
    tfds = _import()
    named = dict(features.items()) if isinstance(features, tfds.features.FeaturesDict) else {}
    images = [key for key, value in named.items() if isinstance(value, tfds.features.Image)]
    labels = [key for key, value in named.items() if isinstance(value, tfds.features.ClassLabel)]
    key = "image" if "image" in images else next(iter(images), None)
    if key is None or named[key].np_dtype not in (np.uint8, np.uint16):
        raise InputError(
            f"The tensorflow-datasets set {name!r} holds no 8- or 16-bit images, but "
            f"{', '.join(named) or type(features).__name__}. Choose an image set, such as mnist."
        )
    return key, "label" if "label" in labels else next(iter(labels), None)


def _split(name: str, builder: Any, split: str) -> Any:
    try:
        info = builder.info.splits[split]
        if not info.num_examples:
            raise ValueError("empty")
    except Exception as error:  # KeyError, ValueError and others, as the string is wrong
        raise InputError(
            f"The data set {name!r} has no split {split!r}, or it is empty. "
            f"Known: {', '.join(builder.info.splits)}, or a slice such as train[:10%]."
        ) from error
    return info


def _read(
    name: str,
    builder: Any,
    split: str,
    image_key: str,
    label_key: str | None,
    size: tuple[int, int] | None,
) -> Iterator[tuple[np.ndarray, int | None]]:
    """Yields `(image, label)` in the order on disk."""
    tfds = _import()
    features = builder.info.features
    wanted = {image_key: True} | ({label_key: True} if label_key else {})
    try:
        dataset = builder.as_dataset(
            split=split,
            decoders=tfds.decode.PartialDecoding(wanted),
            read_config=tfds.ReadConfig(try_autocache=False),
        )
        batched = None not in features[image_key].shape
        for row in tfds.as_numpy(dataset.batch(BATCH) if batched else dataset):
            images = row[image_key] if batched else [row[image_key]]
            labels = np.atleast_1d(row[label_key]) if label_key else [None] * len(images)
            for pixels, label in zip(images, labels, strict=True):
                yield image.from_array(pixels, size), label
    except Exception as error:  # a damaged file: TensorFlow's own classes, not ValueErrors
        raise InputError(
            f"Could not read the data set {name!r} in {str(builder.data_path)!r} ({_line(error)}). "
            "Remove that folder and let it be built again."
        ) from error


def _download(name: str, builder: Any, report: prepared.Report | None) -> None:
    tfds = _import()
    root = str(builder.data_dir_root)
    help_offline = (
        f"On a connected machine run `tfds build {name}`, copy its folder "
        f"~/tensorflow_datasets/{builder.name} into a folder here, and name that folder with "
        "--data-dir or TFDS_DATA_DIR."
    )
    if not _reachable(_host(builder)):
        raise InputError(
            f"The tensorflow-datasets set {name!r} is not in {root!r}, and there is no network "
            f"to download it ({_host(builder)} does not answer). {help_offline}"
        )
    if report:
        report(0, 0, f"Downloading {name} ({builder.info.download_size}) to {root}")
    config = tfds.download.DownloadConfig(try_download_gcs=False)
    try:
        builder.download_and_prepare(download_config=config)
    except Exception as error:  # no space, a moved file, a set to be fetched by hand, ...
        raise InputError(
            f"Could not download {name!r} to {root!r} ({_line(error)}). {help_offline}"
        ) from error


def _host(builder: Any) -> str:
    """Returns the address of the server that holds the set."""
    url = urllib.parse.urlsplit(next(iter(builder.url_infos or {}), USUAL_HOST))
    return f"{url.scheme}://{url.netloc}" if url.scheme in ("http", "https") else USUAL_HOST


def _reachable(host: str) -> bool:
    """Returns whether `host` answers at all, through the proxy if there is one."""
    answers = []

    def ask() -> None:
        try:
            urllib.request.urlopen(host, timeout=PROBE_SECONDS).close()
            answers.append(True)
        except urllib.error.HTTPError:  # refusing that page is an answer
            answers.append(True)
        except OSError:
            pass

    # In a thread, since looking up a name has no time limit of its own.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    return bool(answers)


def _line(error: Exception) -> str:
    """Returns what an error says, on one line."""
    return " ".join(str(error).split())[:300] or type(error).__name__
