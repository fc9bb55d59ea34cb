"""What is trained on, chosen by and tested on: one rule a data set, the same for every run."""

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kgan.data import load
from kgan.data.examples import Examples
from kgan.data.prepared import Report
from kgan.errors import InputError

PERMUTATION = 2010  # seeds the split of a set that has no test split: never a run's own seed


@dataclass(frozen=True)
class Splits:
    """The parts of a data set.

    Attributes:
        train: What models are trained on.
        validation: What decides between settings and when to stop.
        test: What is reported, once.
        rule: How the parts were made, as a phrase for tables.
    """

    train: Examples
    validation: Examples
    test: Examples
    rule: str


class Rows:
    """Some rows of an array, read only when they are indexed.

    Indexing is along the first axis: an integer, a slice, or an array of integers or booleans.

    Args:
        array: `(n, ...)`, in memory or memory-mapped.
        rows: int64 `(m,)` in [0, n).
    """

    def __init__(self, array: np.ndarray, rows: np.ndarray):
        self.array, self.rows = array, rows
        self.shape, self.dtype, self.ndim = (len(rows), *array.shape[1:]), array.dtype, array.ndim

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index) -> np.ndarray:
        return self.array[self.rows[index]]

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        if copy is False:
            raise ValueError("These rows are read when they are indexed: an array is a copy.")
        return np.asarray(self[:], dtype)


def subset(examples: Examples, rows: np.ndarray | slice) -> Examples:
    """Returns some of the examples, in this order, with all columns, without reading their values.

    Args:
        examples: A data set.
        rows: Integers `(m,)`, or a slice.
    """
    values: Any = examples.values  # an array, or rows that act as one
    if isinstance(values, Rows):
        values = Rows(values.array, values.rows[rows])
    elif isinstance(rows, slice):
        values = values[rows]  # a view, of a memory map too
    else:
        values = Rows(values, np.arange(len(values))[rows])
    columns = {name: replace(c, values=c.values[rows]) for name, c in examples.columns.items()}
    return replace(examples, values=values, columns=columns, whole=False)


def split(
    name_or_path: str | os.PathLike,
    *,
    data_dir: str | os.PathLike | None = None,
    image_size: int | tuple[int, int] | None = None,
    label: str | None = None,
    report: Report | None = None,
) -> Splits:
    """Returns the three parts of a data set, the same whatever a run's seed is.

    A set of tensorflow-datasets with a split `test` is tested on that. Validation is the end of its
    split `train`: as many examples as the test, but at most a fifth of `train` (rounded down).
    MNIST: 50,000 / 10,000 / 10,000; CIFAR-10: 40,000 / 10,000 / 10,000. Other splits are not used.

    Any other set of n examples is permuted, always alike: the first 4n/6 (rounded down) are to
    train on, half of the rest (rounded up) is validation and what then remains is the test.
    The embedded digits: 1,198 / 300 / 299.

    Args:
        name_or_path: As in `kgan.data.load`.
        data_dir: As in `kgan.data.load`.
        image_size: As in `kgan.data.load`.
        label: As in `kgan.data.load`; the test may be without.
        report: As in `kgan.data.load`.

    Returns:
        Views: no value is copied or read.

    Raises:
        InputError: Too small for three parts, or not to be loaded.
    """
    options: dict[str, Any] = {"data_dir": data_dir, "image_size": image_size, "report": report}
    examples = load(name_or_path, label=label, **options)
    if not examples.test_size:
        return parts_of(examples)
    test = load(name_or_path, split="test", **options)
    return parts_of(examples, replace(test, label=examples.label))


def parts_of(data: Examples | Splits, test: Examples | None = None) -> Splits:
    """Returns the parts that `split` makes of a set, from what was loaded of it.

    Args:
        data: All of it, as from `kgan.data.load`, or a part; of a set with a test split of its own
            all but that. What is in parts already stays as it is.
        test: That split, left empty if it is not given.

    Raises:
        InputError: Too few for three parts, or a test of another shape.
    """
    if isinstance(data, Splits):
        return data
    if not data.test_size:
        return _permuted(data)
    return _tested(data, subset(data, slice(0, 0)) if test is None else test)


def _tested(examples: Examples, test: Examples) -> Splits:
    if test.image_shape != examples.image_shape:
        raise InputError(
            f"{examples.name!r} trains on images of {examples.image_shape} and tests on "
            f"{test.image_shape}: expected one shape. Choose another set, or give --image-size."
        )
    size = min(examples.test_size, len(examples) // 5)
    if size < 1:
        raise _too_small(examples, "5 or more in train")
    return Splits(
        subset(examples, slice(None, -size)),
        subset(examples, slice(-size, None)),
        test,
        f"the set's own test split; validation: the last {size:,} of train",
    )


def _permuted(examples: Examples) -> Splits:
    train = 4 * len(examples) // 6
    test = (len(examples) - train) // 2
    if test < 1:
        raise _too_small(examples, "4 or more")
    rows = np.random.default_rng(PERMUTATION).permutation(len(examples))
    return Splits(
        subset(examples, rows[:train]),
        subset(examples, rows[train:-test]),
        subset(examples, rows[-test:]),
        "a fixed permutation of the set: 4/6 train, 1/6 validation, 1/6 test",
    )


def _too_small(examples: Examples, expected: str) -> InputError:
    return InputError(
        f"{examples.name!r} has {len(examples)} examples to divide into training, validation and "
        f"test: expected {expected}. Choose a larger set."
    )


def stratified(labels: np.ndarray, count: int, num_classes: int, seed: int) -> np.ndarray:
    """Returns which examples to keep the labels of, so that the classes keep their shares.

    Every class gets its proportional share of `count`, rounded by largest remainder (ties: the
    lower class), and at least one; the examples within a class are random. Subsets of several
    sizes under one seed are independent: the smaller need not be a part of the larger.

    Args:
        labels: Integers `(n,)` in [0, num_classes).
        count: How many, from num_classes to n.
        num_classes: Number of classes.
        seed: Decides the choice, from 0.

    Returns:
        int64 `(count,)`, indices into `labels`, all different, in random order.

    Raises:
        InputError: More labels than there are, fewer than classes, or a class has no example.
    """
    if count > len(labels):
        raise InputError(
            f"Asked for {count:,} labels, there are {len(labels):,}: ask for at most that, or "
            "'all'."
        )
    if count < num_classes:
        raise InputError(
            f"{count:,} labels cannot hold one of each of {num_classes:,} classes: ask for "
            f"{num_classes:,} or more."
        )
    sizes = np.bincount(labels, minlength=num_classes)
    if (sizes == 0).any():
        raise InputError(
            f"The class '{np.argmin(sizes)}' has no example among the {len(labels):,} labels: "
            "choose a set with some of every class."
        )
    rng = np.random.default_rng([seed, count])
    chosen = [
        rng.choice(np.flatnonzero(labels == label), share, replace=False)
        for label, share in enumerate(_shares(sizes, count))
    ]
    return rng.permutation(np.concatenate(chosen))


def _shares(sizes: np.ndarray, count: int) -> np.ndarray:
    """Returns how many of each class, int64 `(classes,)`, with sum `count`."""
    shares = np.ones_like(sizes)
    # A class that is due less than one gets one, which leaves less for the others: look again.
    open_ = np.ones(len(sizes), bool)
    while True:
        left, total = count - (~open_).sum(), sizes[open_].sum()
        due_one = open_ & (left * sizes >= total)
        if (due_one == open_).all():
            break
        open_ = due_one
    quotas, remainders = np.divmod(left * sizes[open_], total)
    up = np.argsort(-remainders, kind="stable")[: left - quotas.sum()]
    quotas[up] += 1
    shares[open_] = quotas
    return shares
