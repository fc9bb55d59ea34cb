"""What is wrong with a command's options, as far as it can be told before TensorFlow loads."""

import re
from pathlib import Path

from kgan import data, names
from kgan.console.options import parse_image_size
from kgan.errors import InputError, shown
from kgan.methods.config import MOST
from kgan.methods.recorded import open_record
from kgan.metrics import check_names
from kgan.runs.folder import require_writable
from kgan.tasks.evaluate.checks import check_samples, no_source
from kgan.tasks.finetune import ARMS
from kgan.tasks.finetune.checks import check, finetunable
from kgan.tasks.sampling import drawing

_OF_SERVERS = {
    "name": "--model",
    "version": "--model-version",
    "timeout": "--timeout",
    "batch_size": "--server-batch",
}


def check_sample(
    out: str,
    model: str | None,
    seeds: str | None,
    columns: int | None,
    checkpoint: str | None,
    server: str | None,
    classes: str | None,
    truncation: float | None,
    **served,
) -> None:
    """Checks what can be without opening the model; see `sample.sample_to` for each.

    Raises:
        InputError: An option is wrong or contradicts another, or there is no such model.
    """
    if seeds is not None:
        drawing.parse_seeds(seeds)
    drawing.check_truncation(truncation)
    if classes is not None and not all(_parts(classes)):
        raise InputError(
            f"--classes {shown(classes)}: expected names or numbers of classes, such as cat,dog or "
            "3,5, or all."
        )
    if columns is not None and not 1 <= columns <= drawing.MAX_COLUMNS:
        raise InputError(
            f"--columns {shown(columns)}: expected 1 or more, {drawing.MAX_COLUMNS:,} at most."
        )
    place = Path(names.check("--out", out))
    form = drawing.form(out)
    require_writable(place.parent if form else place)
    if columns is not None and form != ".png":
        raise InputError(
            f"--columns {columns}: expected only with --out X.png, one sheet, received --out {out}."
        )
    if server is not None:
        if checkpoint is not None:
            raise InputError(
                f"--checkpoint {checkpoint}: a server has none, expected --model-version, if any."
            )
        return
    if given := [option for option, value in served.items() if value is not None]:
        raise InputError(
            f"{_OF_SERVERS[given[0]]} {served[given[0]]}: expected only with --server ADDRESS; "
            "a model on this machine is named without an option, kgan sample MODEL."
        )
    if model is not None:
        names.check("MODEL", model)
        if not drawing.is_there(model):
            raise drawing.no_model(model)


def check_finetune(
    run: str,
    labels: str | None,
    arms: str | None,
    seeds: int,
    learning_rates: str,
    dataset: str | None,
    data_dir: str | None,
    image_size: str | None,
    steps: int | None,
    batch_size: int,
    out: str,
    **others,
) -> None:
    """Checks the options of `kgan finetune`.

    Raises:
        InputError: One of them is wrong, or there is no such run.
    """
    require_writable(Path(out))
    check(
        parse_labels(labels),
        parse_arms(arms),
        seeds,
        parse_learning_rates(learning_rates),
        steps,
        batch_size,
    )
    _check_data(dataset, data_dir, image_size)
    finetunable(run)


def check_evaluate(
    sources: tuple[str, ...],
    metrics: str | None,
    samples: int,
    split: str,
    dataset: str | None,
    data_dir: str | None,
    image_size: str | None,
    inception_graph: str | None,
    out: str | None,
    **others,
) -> None:
    """Checks the options of `kgan evaluate`.

    Raises:
        InputError: One of them is wrong, or there is no such source.
    """
    check_samples(samples)
    check_names(parse_metrics(metrics) or (), split)
    if out is not None:
        require_writable(Path(out))
    if inception_graph is not None:
        names.check("--inception-graph", inception_graph)
    _check_data(dataset, data_dir, image_size)
    for source in sources:
        names.check("Source", source)
        if not drawing.is_there(source):
            raise no_source(source)


def _check_data(dataset: str | None, data_dir: str | None, image_size: str | None) -> None:
    if image_size:
        parse_image_size(image_size)
    if dataset is not None:
        data.check(dataset, data_dir, images=True)


def parse_metrics(text: str | None) -> list[str] | None:
    """Returns the names in "fid,kid", None for None."""
    return _parts(text) if text else None


def parse_arms(text: str | None) -> tuple[str, ...]:
    """Returns the names in "pretrained,probe", all for None."""
    return tuple(_parts(text)) if text else tuple(ARMS)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def parse_labels(text: str | None) -> list[int | str] | None:
    """Returns the numbers of labels in "100,1000,all", None for None.

    Raises:
        InputError: The text is no such list.
    """
    if not text:
        return None
    parts = _parts(text)
    if not all(re.fullmatch("[0-9]{1,18}|all", part) for part in parts):
        raise InputError(
            f"--labels {shown(text)}: expected numbers of labels and 'all', such as 100,1000,all."
        )
    return [part if part == "all" else int(part) for part in parts]


def parse_learning_rates(text: str) -> list[float]:
    """Returns the learning rates in "0.001,0.0003".

    Raises:
        InputError: The text is no such list.
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(
            f"--learning-rates {shown(text)}: expected numbers above 0, such as 0.001,0.0003."
        ) from None


def check_export(
    run: str | None,
    name: str | None,
    out: str | None,
    keep: int | None,
    models_config: bool,
    base_path: str | None,
    show: str | None,
    checkpoint: str,
) -> None:
    """Checks what can be without loading TensorFlow.

    Raises:
        InputError: Nothing to do, an option without what it is for, or no run.
    """
    of_run = name is not None or keep is not None or checkpoint != "last"
    if show is not None:
        if run is not None or of_run or models_config or base_path is not None or out is not None:
            raise InputError("--show prints requests and writes nothing: give it alone.")
        return
    if run is None and not models_config:
        raise InputError("Nothing to export: expected RUN, --models-config or --show MODEL.")
    if run is None and of_run:
        raise InputError("--name, --keep and --checkpoint are for a RUN: name one.")
    if base_path is not None and not models_config:
        raise InputError("--base-path is written to models.config: add --models-config.")
    if name is not None:
        names.check_model("--name", name)
    if keep is not None and not 1 <= keep <= MOST:
        raise InputError(f"--keep {shown(keep)}: expected 1 or more, {MOST:,} at most.")
    if base_path is not None:
        names.check("--base-path", base_path)
    if out is not None:
        require_writable(Path(names.check("--out", out)))
    if run is not None:
        open_record(names.check("RUN", run))
