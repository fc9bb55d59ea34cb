"""What is drawn from a generator, and the files that it goes to."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kgan import memory
from kgan.errors import InputError, shown
from kgan.models.seeds import SAMPLE_BATCH, seed_latents
from kgan.runs import pictures
from kgan.serving import ServedGenerator
from kgan.tasks.sampling import drawing
from kgan.tasks.sampling.classes import Classes
from kgan.tasks.sampling.latents import WALK_FRAMES, nearer, truncated, walk


@dataclass(frozen=True)
class Asked:
    """What is to be drawn.

    Attributes:
        seeds: int64 `(n,)`.
        labels: int32 `(n,)`, -1 where the model is to draw it; None of a model without classes.
        truncation: See `latents.truncated`; None for none.
        columns: Images of a class, where classes are asked for.
    """

    seeds: np.ndarray
    labels: np.ndarray | None = None
    truncation: float | None = None
    columns: int | None = None

    @property
    def tells(self) -> bool:
        """Whether it is known of which classes the images are."""
        return self.labels is not None and bool(self.labels.min() >= 0)

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns it by name, as it lies beside images: what is not given or known is left out."""
        labels = self.labels if self.tells else None
        found = {"seeds": self.seeds, "labels": labels, "truncation": self.truncation}
        return {name: np.asarray(value) for name, value in found.items() if value is not None}


def asked(
    out: str,
    seeds: str | None,
    known: Classes | None,
    classes: str | None = None,
    truncation: float | None = None,
) -> Asked:
    """Returns what is to be drawn, class by class the same seeds.

    Args:
        out: Where it is to be written: see `write`.
        seeds: See `drawing.parse_seeds`; None for 0-63, or 0-7 of each class.
        known: Of the generator: see `classes.of`.
        classes: See `Classes.asked`; None for any.
        truncation: See `latents.truncated`; None for none.

    Raises:
        InputError: Classes of a generator without, not known or too many, or labels would have to
            be drawn where only the server can, which is not asked.
    """
    if seeds is None:
        seeds = drawing.SEEDS if classes is None else drawing.SEEDS_OF_CLASSES
    numbers = drawing.parse_seeds(seeds)
    if classes is None:
        labels = None if known is None else known.drawn(numbers)
        wanted = Asked(numbers, labels, truncation)
        by_latents = truncation is not None or drawing.form(out) == ".gif"
        if labels is not None and by_latents and not wanted.tells:
            what = f"--out {out}" if truncation is None else f"--truncation {truncation:g}"
            raise InputError(
                f"{what}: the model has classes, and how often each comes is not known here, "
                "expected --classes with it, such as 0,1,2."
            )
        return wanted
    if known is None:
        raise InputError(
            f"--classes {shown(classes)}: the model was trained without classes, expected none: "
            "leave --classes out, or take one that was trained with --conditional."
        )
    chosen = known.asked(classes)
    if len(chosen) * len(numbers) > drawing.MAX_SEEDS:
        raise InputError(
            f"--classes {shown(classes)}: {len(numbers):,} seeds for each of {len(chosen):,} "
            f"classes are more than {drawing.MAX_SEEDS:,} images; draw them in parts."
        )
    labels = np.repeat(np.array(chosen, np.int32), len(numbers))
    return Asked(np.tile(numbers, len(chosen)), labels, truncation, len(numbers))


def write(
    out: str,
    generator,
    wanted: Asked,
    known: Classes | None = None,
    columns: int | None = None,
) -> None:
    """Draws images and writes them in the form that the name asks for, whole or not at all.

    Args:
        out: X.png for one sheet; X.npz for arrays `images`, `seeds` and, if given or known,
            `labels`, `class_names`, `class_column`, `truncation`; X.gif for a walk from seed to
            seed, class by class, each frame truncated; any other name is a folder for single PNGs.
        generator: From `models.open_model` or `models.open_served`.
        wanted: What is drawn: see `asked`.
        known: The generator's classes, as which files are named.
        columns: Images a row of the sheet; None for a row a class, or about a square.

    Raises:
        InputError: The place cannot be written, or what is drawn exceeds memory.
    """
    path, form = Path(out), drawing.form(out)
    count = len(wanted.seeds) * (WALK_FRAMES if form == ".gif" else 1)
    # Fewer are drawn at once, and so is one to learn its size; a server has a limit of its own.
    if not isinstance(generator, ServedGenerator) and count > SAMPLE_BATCH:
        size = 2 * count * generator.sample(wanted.seeds[:1]).nbytes
        memory.require(size, f"Drawing {count:,} images", "draw them in parts")
    asked_columns, columns = columns, columns or wanted.columns
    if form == ".png" and columns and columns > drawing.MAX_COLUMNS:
        raise InputError(
            f"--out {out}: rows of {columns:,} images, a class each, expected "
            f"{drawing.MAX_COLUMNS:,} at most: give fewer --seeds, or --columns."
        )
    images = _walk(generator, wanted) if form == ".gif" else _drawn(generator, wanted)
    if images.ndim != 4 and (form == ".gif" or asked_columns):
        raise InputError(
            f"{'--columns' if asked_columns else f'--out {out}'}: the model makes points in the "
            "plane, which are one plot; expected X.png for that, or X.npz, without --columns."
        )
    try:
        if form:
            path.parent.mkdir(parents=True, exist_ok=True)
            aside = path.with_name(f".{path.stem}.writing{form}")
            try:
                if form == ".npz":
                    arrays = {"images": images, **wanted.arrays(), **_names(wanted, known)}
                    np.savez(aside, **arrays)  # type: ignore[arg-type]
                elif form == ".gif":
                    pictures.save_gif([_picture(frame[None]) for frame in images], aside)
                else:
                    _picture(images, columns).save(aside)
                os.replace(aside, path)
            finally:
                aside.unlink(missing_ok=True)
        else:
            _write_folder(path, images, wanted, known)
    except OSError as error:
        raise InputError(
            f"Cannot write {out}: {error.strerror or error}. Choose another --out."
        ) from error


def _labelled(labels: np.ndarray | None) -> tuple[np.ndarray, ...]:
    return () if labels is None else (labels,)


def _names(wanted: Asked, known: Classes | None) -> dict[str, np.ndarray]:
    if not (wanted.tells and known and known.names):
        return {}
    column = {"class_column": np.array(known.column)} if known.column else {}
    return {"class_names": np.array(known.names), **column}


def _truncated(latents: np.ndarray, wanted: Asked) -> np.ndarray:
    return latents if wanted.truncation is None else truncated(latents, wanted.truncation)


def _drawn(generator, wanted: Asked) -> np.ndarray:
    labels = _labelled(wanted.labels)
    if wanted.truncation is None:
        return generator.sample(wanted.seeds, *labels)
    latents = seed_latents(wanted.seeds, generator.latent_dim).numpy()
    return generator.generate(_truncated(latents, wanted), *labels)


def _walk(generator, wanted: Asked) -> np.ndarray:
    labels = _labelled(wanted.labels)
    path = walk(seed_latents(wanted.seeds, generator.latent_dim).numpy())
    # Not the stops alone: between two at the bound the great circle leaves it.
    return generator.generate(_truncated(path, wanted), *map(nearer, labels))


def _picture(samples: np.ndarray, columns: int | None = None):
    return pictures.grid(samples, columns) if samples.ndim == 4 else pictures.scatter(samples)


def _write_folder(path: Path, images, wanted: Asked, known: Classes | None) -> None:
    if images.ndim != 4:
        raise InputError(
            f"--out {path}: the model makes points in the plane, which have no single PNGs; "
            "expected X.png for a plot, or X.npz."
        )
    names = [f"seed-{seed:06d}" for seed in wanted.seeds]
    if wanted.labels is not None and wanted.tells:
        classes = Classes() if known is None else known
        parts = zip(names, classes.in_files(wanted.labels), strict=True)
        names = [f"{name}-class-{part}" for name, part in parts]
    path.mkdir(parents=True, exist_ok=True)
    for name, image in zip(names, images, strict=True):
        pictures.to_pil(image).save(path / f"{name}.png")
