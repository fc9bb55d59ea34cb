"""Any image set of tensorflow-datasets, by name; what is on disk is read without a network."""

import contextlib
import dataclasses
import functools
import logging
import operator
import os
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from kgan.data import image, prepared
from kgan.data.examples import Examples, column_named
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
    return parsed.name in names() or os.path.isdir(os.path.join(data_root(data_dir), parsed.name))


def load(
    name: str,
    *,
    data_dir: str | os.PathLike | None = None,
    image_size: int | tuple[int, int] | None = None,
    split: str = "train",
    label: str | None = None,
    report: prepared.Report | None = None,
) -> Examples:
    """Returns one split of the set `name`, downloading it if it is not on disk.

    The images are the feature `image`, or else the first image feature by name. The columns are all
    class labels, truth values and whole numbers below 64 that an example has one of, called as the
    set calls them, "attributes/Smiling" for what lies deeper; those of which a number is unknown
    (-1) are left out. The labels are the class label `label`, or else that of `as_supervised=True`,
    or else the first by name.

    Args:
        name: `name`, `name/config` or `name:version`. Any version on disk does if none is named.
        data_dir: Where tensorflow-datasets keeps its sets; None is `$TFDS_DATA_DIR` or its default.
        image_size: One side or `(height, width)` to which to scale and cut; None keeps the size.
        split: A split, or a slice of one such as `train[:10%]`.
        label: Refused before anything is prepared where the set has no such column.
        report: Called as `report(done, total, message)` while the set is prepared.

    Raises:
        InputError: Not an image set, no such split or column, or neither on disk nor to be
            downloaded.
    """
    size = image.parse_size(image_size)
    with _quiet():
        builder = _find(name, data_dir)
        features = builder.info.features
        image_key, scalars = _image_key(name, features), _scalars(features)
        columns = {"/".join(path): names for path, names in scalars.items()}
        if label is not None:
            column_named(label, columns, name)  # told before hours of preparing
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
        examples = prepared.store(
            builder.name,
            source,
            identity,
            _read(name, builder, split, image_key, tuple(scalars), size),
            total=info.num_examples,
            columns=columns,
            report=report,
        )
        test = builder.info.splits.get("test") if split == "train" else None
        return dataclasses.replace(
            examples,
            test_size=test.num_examples if test else 0,
            label=_label_key(builder.info) or examples.label,
        )


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


def data_root(data_dir: str | os.PathLike | None) -> str:
    """Returns the folder where tensorflow-datasets keeps its sets, its default for None."""
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
    where = {"data_dir": data_root(data_dir)}
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


def _image_key(name: str, features: Any) -> str:
    """Returns the name of the image feature."""
    tfds = _import()
    named = _named(features)
    images = [key for key, value in named.items() if isinstance(value, tfds.features.Image)]
    key = "image" if "image" in images else next(iter(images), None)
    if key is None or named[key].np_dtype not in (np.uint8, np.uint16):
        raise InputError(
            f"The tensorflow-datasets set {name!r} holds no 8- or 16-bit images, but "
            f"{', '.join(named) or type(features).__name__}. Choose an image set, such as mnist."
        )
    return key


def _named(features: Any) -> dict[str, Any]:
    if not isinstance(features, _import().features.FeaturesDict):
        return {}
    return dict(sorted(features.items()))  # read from a file they are in any order


def _scalars(features: Any) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Returns the paths of the features that may be classes, with the names that these have."""
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for key, feature in _named(features).items():
        found |= {(key, *path): names for path, names in _scalars(feature).items()}
        if not isinstance(feature, _import().features.Tensor) or feature.shape != ():
            continue
        if np.issubdtype(feature.np_dtype, np.bool_):
            found[(key,)] = "no", "yes"
        elif np.issubdtype(feature.np_dtype, np.integer):
            found[(key,)] = tuple(feature.names) if getattr(feature, "num_classes", None) else ()
    return found


def _label_key(info: Any) -> str | None:
    """Returns the name of the set's own label, None where it has none."""
    label = _import().features.ClassLabel
    labels = [key for key, value in _named(info.features).items() if isinstance(value, label)]
    supervised = (info.supervised_keys or (None,))[-1]
    wanted = [key for key in ("label", supervised) if key in labels]
    return next(iter(wanted + labels), None)


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
    paths: Sequence[tuple[str, ...]],
    size: tuple[int, int] | None,
) -> Iterator[prepared.Example]:
    """Yields images and their columns in the order on disk."""
    tfds = _import()
    features = builder.info.features
    wanted: dict[str, Any] = {image_key: True}
    for *outer, last in paths:
        place = wanted
        for key in outer:
            place = place.setdefault(key, {})
        place[last] = True
    try:
        dataset = builder.as_dataset(
            split=split,
            decoders=tfds.decode.PartialDecoding(wanted),
            read_config=tfds.ReadConfig(try_autocache=False),
        )
        batched = None not in features[image_key].shape
        for row in tfds.as_numpy(dataset.batch(BATCH) if batched else dataset):
            images = row[image_key] if batched else [row[image_key]]
            found = [functools.reduce(operator.getitem, path, row) for path in paths]
            found = [np.asarray(values).astype(np.int64) for values in found]
            numbers = np.reshape(found, (len(paths), len(images))).T
            for pixels, own in zip(images, numbers, strict=True):
                yield image.from_array(pixels, size), own
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
