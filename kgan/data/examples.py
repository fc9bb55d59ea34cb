"""What every data source returns."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kgan.data.space import Space
from kgan.errors import InputError, shown, unknown

MOST_CLASSES = 2**20  # of a column: each of them is counted
LONGEST_NAME = 1024  # characters of a class


@dataclass(frozen=True)
class Column:
    """A class of every example: its label, or an attribute.

    Attributes:
        values: Whole numbers `(n,)` in [0, num_classes), an array or what makes one: int32 once
            they are here.
        names: One name a class, empty where they have none.

    Raises:
        InputError: Values of another form, or of a class that is not there, or names that cannot
            tell classes apart or be written in a line.
    """

    values: np.ndarray
    names: tuple[str, ...] = ()

    def __post_init__(self):
        check_names(self.names)
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "values", _in_classes(self.values, len(self.names)))

    @property
    def num_classes(self) -> int:
        """How many there are names for, else up to the highest number."""
        return len(self.names) or int(np.max(self.values, initial=-1)) + 1


@dataclass(frozen=True)
class Examples:
    """A data set, read by index.

    Attributes:
        values: In memory or memory-mapped: uint8 images `(n, height, width, channels)`, or float32
            points `(n, 2)`.
        columns: By name, what else is known of every example.
        space: What a value is: `kgan.IMAGES` or `kgan.POINTS`.
        name: Short name, used for run folders.
        test_size: How many examples the set's own test split has, none of them among these; 0 where
            there is none.
        label: The column with the labels; the examples have none where there is no such column.
        whole: Whether these are all that was loaded, and no `subset` of it.
    """

    values: np.ndarray
    columns: dict[str, Column]
    space: Space
    name: str
    test_size: int = 0
    label: str = "label"
    whole: bool = True

    def __post_init__(self):
        if not isinstance(self.columns, dict) or not isinstance(self.space, Space):
            raise InputError(
                "Examples take (values, columns, space, name): expected columns as a dict such as "
                '{"label": kgan.Column(labels, names)}, or {}, and as space kgan.IMAGES or '
                "kgan.POINTS."
            )
        for name, column in self.columns.items():
            if not isinstance(column, Column):
                raise InputError(
                    f"The column {name!r} of {self.name!r} is {shown(column)}: expected "
                    "kgan.Column(values, names)."
                )
            if len(column.values) != len(self.values):
                raise InputError(
                    f"The column {name!r} of {self.name!r} has {len(column.values):,} values for "
                    f"{len(self.values):,} examples: expected one each."
                )

    def __len__(self) -> int:
        return len(self.values)

    @property
    def images(self) -> np.ndarray:
        """The values, as most users know them."""
        return self.values

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        return tuple(self.values.shape[1:])

    @property
    def labels(self) -> np.ndarray | None:
        """Whole numbers `(n,)`, or None where there are none."""
        return self.columns[self.label].values if self.label in self.columns else None

    @property
    def class_names(self) -> tuple[str, ...]:
        """One name a class, empty where there are no labels."""
        return self.columns[self.label].names if self.label in self.columns else ()

    def column(self, name: str) -> Column:
        """Returns a column.

        Args:
            name: As in `column_named`.

        Raises:
            InputError: There is no such column.
        """
        return self.columns[column_named(name, self.columns, self.name)]

    def labelled_by(self, column: str) -> "Examples":
        """Returns the same examples with another column's values as their labels.

        Args:
            column: As in `column_named`.

        Raises:
            InputError: There is no such column.
        """
        return replace(self, label=column_named(column, self.columns, self.name))


def check_names(names: Sequence[str]) -> None:
    """Checks the names of classes: that they are told apart, and can be written and read again.

    Args:
        names: One a class, or none.

    Raises:
        InputError: One is no text, too long, or there twice, or holds what is no text in a line.
    """
    if isinstance(names, str):
        raise InputError(f"The class names are {shown(names)}: expected a tuple, one a class.")
    seen = set()
    for name in names:
        if not isinstance(name, str) or len(name) > LONGEST_NAME or not is_line(name):
            raise InputError(
                f"A class is called {shown(name)}: expected text of {LONGEST_NAME:,} characters at "
                "most, without control characters. Give it another name."
            )
        if name in seen:
            raise InputError(
                f"Two classes are called {shown(name)}: expected a name of its own for each. "
                "Rename one, or make them one class."
            )
        seen.add(name)


def is_line(text: str) -> bool:
    """Returns whether a text has neither control characters nor half ones, which no file holds."""
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in text)


def _in_classes(values, named: int) -> np.ndarray:
    """Returns the values of a column as int32, those that are already as they are.

    Args:
        values: What was given.
        named: How many classes have names, 0 where they have none.

    Raises:
        InputError: They are not whole numbers `(n,)` of classes.
    """
    most = (named or MOST_CLASSES) - 1
    expected = f"expected whole numbers (n,) from 0 to {most:,}, the class of each example"
    expected += f", since {named:,} have names" if named else ""
    try:
        found = np.asanyarray(values)
    except (ValueError, OverflowError) as error:  # lists of several lengths
        raise InputError(f"A column holds {shown(values)}: {expected}.") from error
    if found.dtype.kind not in "iu" or found.ndim != 1:
        raise InputError(f"A column holds {found.dtype} {found.shape}: {expected}. Convert them.")
    for value in (found.min(initial=0), found.max(initial=0)):
        if not 0 <= value <= most:
            raise InputError(
                f"A column holds {value}: {expected}. Leave out examples without a class, and "
                "number the classes from 0."
            )
    return found.astype(np.int32, copy=False)


def column_named(name: str, known: Iterable[str], data_set: str) -> str:
    """Returns the whole name of a column.

    Args:
        name: Its name, or the part behind the last slash where only one has it: "Smiling" for
            "attributes/Smiling".
        known: The names of all.
        data_set: What the message calls them the columns of.

    Raises:
        InputError: There is none, or there are several.
    """
    known = list(known)
    found = [other for other in known if other.rpartition("/")[2] == name]
    if name in known:
        return name
    if len(found) == 1:
        return found[0]
    if not known:
        raise InputError(
            f"{data_set!r} has no columns, and so no {name!r}: choose a set with them, such as a "
            "folder with a sub-folder for each class, or leave out the label."
        )
    raise unknown(f"column of {data_set!r}:", name, found or known)
