"""The checkpoints that a folder holds: which there are, which can be read, which are kept."""

import re
import shutil
import warnings
from pathlib import Path

import tensorflow as tf

from kgan.errors import InputError, RunWarning
from kgan.runs import folder

# What the system says where the disk is at fault, and not the file.
PASSING = ("Input/output error", "Permission denied", "Stale file handle", "Too many open files")


class CheckpointFiles:
    """The files of one run's checkpoints, each `ckpt-STEP.*`.

    What the folder holds counts, not TensorFlow's record of it in the file `checkpoint`, which is
    written for other programs.

    Args:
        directory: The run's `checkpoints/`.
    """

    def __init__(self, directory: Path):
        self.directory = directory

    @property
    def steps(self) -> list[int]:
        """Steps of which there are files, in their order; they may be damaged."""
        return steps_in(self.directory)

    @property
    def unstopped(self) -> list[int]:
        """Those that a run makes whether it is stopped now and then or not."""
        return [step for step in self.steps if not self._mark(step).exists()]

    def prefix(self, step: int) -> Path:
        """Returns what TensorFlow calls the checkpoint."""
        return self.directory / f"ckpt-{step}"

    def newest_whole(self, steps: list[int], set_aside: bool = False) -> int:
        """Returns the newest step whose checkpoint can be read, and warns of those that cannot.

        Args:
            steps: To choose from.
            set_aside: Rename what cannot be read.

        Raises:
            InputError: None can be read; then nothing is renamed.
            WriteError: It cannot be renamed.
        """
        damaged = {}
        for step in reversed(steps):
            reason = _damage(self.prefix(step))
            if not reason:
                break
            damaged[step] = reason
        told = "; ".join(f"ckpt-{step} ({reason})" for step, reason in damaged.items())
        if len(damaged) == len(steps):
            raise InputError(
                f"No checkpoint in {self.directory} can be read: {told}. Bring one back from a "
                "copy, or start a new run."
            )
        if damaged:
            if set_aside:
                self._set_aside(damaged)
            warnings.warn(
                f"Damaged checkpoints in {self.directory}: {told}. Taking ckpt-{step}"
                + ("; the damaged files are now called *.damaged." if set_aside else "."),
                RunWarning,
                stacklevel=3,
            )
        return step

    def prepare(self, step: int, stopped: bool) -> None:
        """Makes the folder ready for a checkpoint; `stopped` if a stop alone is its reason."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.clear()
        if stopped:
            self._mark(step).touch()
        else:
            self._mark(step).unlink(missing_ok=True)

    def keep(self, step: int, count: int) -> None:
        """Names a step in the file `checkpoint`; removes all but it and those before it, `count`.

        One more stays while it is the newest that no stop made. Later ones come from a process that
        was killed: of the best, which may be saved before the run's own.

        Raises:
            WriteError: A file cannot be written or removed.
        """
        name = f'"ckpt-{step}"'
        folder.write_text(
            self.directory / "checkpoint",
            f"model_checkpoint_path: {name}\nall_model_checkpoint_paths: {name}\n",
        )
        steps, unstopped = ([s for s in some if s <= step] for some in (self.steps, self.unstopped))
        with folder.writing(self.directory):
            for other in {*self.steps} - {*steps[-count:], *unstopped[-1:]}:
                self.remove(other)

    def remove(self, step: int) -> None:
        """Removes a checkpoint's files."""
        for path in self._files(step):
            path.unlink()

    def clear(self) -> None:
        """Removes what a killed process left of a checkpoint that it was writing."""
        for leftover in self.directory.glob("ckpt-*temp*"):
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        for mark in self.directory.glob("ckpt-*.stopped"):
            if not mark.with_suffix(".index").exists():
                mark.unlink()

    def _mark(self, step):
        return self.directory / f"ckpt-{step}.stopped"

    def _files(self, step):
        found = self.directory.glob(f"ckpt-{step}.*")
        return [path for path in found if path.suffix != ".damaged"]

    def _set_aside(self, steps):
        with folder.writing(self.directory):
            for path in (path for step in steps for path in self._files(step)):
                aside = path
                while aside.exists():
                    aside = aside.with_name(aside.name + ".damaged")
                path.rename(aside)


def steps_in(directory: Path) -> list[int]:
    """Returns the steps of which a folder holds a checkpoint or parts of one, in their order."""
    names = (path.name for path in directory.glob("ckpt-*"))
    parts = (re.fullmatch(r"ckpt-(\d+)\.(index|data-\d+-of-\d+)", name) for name in names)
    return sorted({int(part[1]) for part in parts if part})


def _damage(prefix: Path) -> str | None:
    """Returns why a checkpoint cannot be read, None if it can; every tensor has a checksum."""
    try:
        reader = tf.train.load_checkpoint(str(prefix))
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    # The reader turns some of its errors into Python's: IndexError for a file cut short.
    except (tf.errors.OpError, IndexError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0].rpartition("; ")[2]
        if any(words in reason for words in PASSING):
            raise InputError(f"{prefix} cannot be read now ({reason}): try again.") from error
        return reason
    return None
