"""Which classes a generator knows, under which names, and which of them are asked for."""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kgan.errors import InputError, shown
from kgan.methods.recorded import open_record
from kgan.models.labels import MANY_CLASSES, check_frequencies
from kgan.models.seeds import seed_labels
from kgan.runs.records import is_run, read_json
from kgan.runs.schema import CAPTION, ONE_OR_MORE, anything, listing, number, record
from kgan.serving import ServedGenerator

ALL = "all"
MOST_LISTED = 10  # names in an error
LONGEST_NAME = 50  # characters of a class in a file's name, of up to 4 bytes each
ABOUT = record(
    {},
    {
        "num_classes": ONE_OR_MORE,
        "class_names": listing(CAPTION),
        "class_column": CAPTION,
        "class_frequencies": listing(number(0)),
    },
    others=anything,
)


@dataclass(frozen=True)
class Classes:
    """The classes of a generator, as far as they are known.

    Attributes:
        count: How many; None where the generator does not tell.
        names: One each, none where they are not known.
        frequencies: How often each comes; None where that is not known.
        column: Of the data, which they are of; None where that is not known.
    """

    count: int | None = None
    names: tuple[str, ...] = ()
    frequencies: tuple[float, ...] | None = None
    column: str | None = None

    def asked(self, text: str) -> Sequence[int]:
        """Returns the numbers of the classes in "cat,dog", "3,5" or "all", in that order.

        A name goes before a number, and a name that holds commas can be asked for alone.

        Raises:
            InputError: The text is no such list, a class is not known or there twice, or "all" are
                asked for where nobody knows how many that is.
        """
        if text in self.names:
            return [self.names.index(text)]
        if text.strip() == ALL:
            if self.count is None:
                raise InputError(
                    f"--classes {ALL}: how many classes the model has is not known here, expected "
                    "their numbers, such as 0,1,2."
                )
            return range(self.count)
        found = [self._number(text, part) for part in text.split(",")]
        if len(set(found)) < len(found):
            twice = Counter(found).most_common(1)[0][0]
            name = shown(self.names[twice]) if self.names else twice
            raise InputError(
                f"--classes {shown(text)}: class {name} is there twice, expected "
                "each once. For more images of it, give more --seeds."
            )
        return found

    def _number(self, text: str, part: str) -> int:
        part = part if part in self.names else part.strip()
        if part in self.names:
            return self.names.index(part)
        most = MANY_CLASSES if self.count is None else self.count
        if re.fullmatch("[0-9]{1,10}", part) and int(part) < most:
            return int(part)
        raise InputError(f"--classes {shown(text)}: no class {shown(part)}, {self._expected()}.")

    def _expected(self) -> str:
        if self.count is None:
            return "expected numbers from 0, such as 0,1,2: the model's names are not known here"
        numbers = f"numbers from 0 to {self.count - 1}, or {ALL}"
        if not self.names:
            return f"expected {numbers}: the model's names are not known here"
        listed = ", ".join(self.names[:MOST_LISTED])
        more = f" and {len(self.names) - MOST_LISTED} more" * (len(self.names) > MOST_LISTED)
        return f"expected names ({listed}{more}), {numbers}"

    def drawn(self, seeds: np.ndarray) -> np.ndarray:
        """Returns the labels that are drawn from seeds, -1 each where only the model can tell.

        Args:
            seeds: int64 `(n,)`.

        Returns:
            int32 `(n,)`.
        """
        if self.frequencies is None:
            return np.full(len(seeds), -1, np.int32)
        return seed_labels(seeds, self.frequencies).numpy()

    def in_files(self, labels: np.ndarray) -> list[str]:
        """Returns classes as parts of files' names: by name where all differ there, or by number.

        Args:
            labels: int32 `(n,)`, those of the classes.
        """
        safe = [_in_file(name) for name in self.names]
        # Some file systems know neither case nor how a letter was composed.
        differ = len({unicodedata.normalize("NFC", name).casefold() for name in safe}) == len(safe)
        named = safe and differ and all(safe)
        return [safe[label] if named else str(label) for label in labels]


def _in_file(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name)[:LONGEST_NAME].strip(".-")


def of(generator, place: Path | None) -> Classes | None:
    """Returns the classes of a generator, None of one without.

    Args:
        generator: From `models.open_model` or `models.open_served`.
        place: Where it came from; None for a server, which tells no names.

    Raises:
        InputError: What lies beside a SavedModel does not fit.
    """
    if isinstance(generator, ServedGenerator):
        return Classes() if generator.conditional else None
    assert place is not None, "only a server has none"
    if not is_run(place):
        return _of_saved_model(place) if generator.conditional else None
    if generator.num_classes is None:
        return None
    spec, frequencies = open_record(place).spec, generator.class_frequencies
    return Classes(generator.num_classes, spec.class_names, frequencies, spec.class_column)


def _of_saved_model(place: Path) -> Classes:
    path, fix = place / "assets.extra" / "kgan.json", "bring it back, or export the run again"
    if not os.path.lexists(path):
        return Classes()
    about = read_json(path, ABOUT, fix)
    count, names = about.get("num_classes"), about.get("class_names", [])
    if count is None:
        return Classes()
    if names and (len(names) != count or len(set(names)) != count):
        raise InputError(
            f"{path} is damaged (class_names are {len(names)}, {len(set(names))} of them distinct, "
            f"expected {count}): {fix}."
        )
    frequencies = about.get("class_frequencies")
    if frequencies is not None:
        try:
            frequencies = check_frequencies(frequencies, count)
        except InputError as error:
            raise InputError(f"{path} is damaged ({str(error).rstrip('.')}): {fix}.") from error
    return Classes(count, tuple(names), frequencies, about.get("class_column"))
