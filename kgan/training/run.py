"""A run from its first step to a SavedModel, and back from its folder."""

import contextlib
import functools
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import keras

from kgan import names
from kgan.data import licence
from kgan.data.pipeline import batches
from kgan.errors import InputError, unknown
from kgan.methods.recorded import open_record
from kgan.runs import folder, scores
from kgan.runs.checkpoint import Checkpoints
from kgan.runs.lines import add_event
from kgan.runs.records import is_run, read_metrics, read_record
from kgan.runs.scores import read_evaluation
from kgan.serving import export
from kgan.training import determinism, diagnosis, failures, provenance
from kgan.training.build import Run, build
from kgan.training.callbacks import Checkpointing, MetricsLog, Samples
from kgan.training.evaluation import Evaluation, best_place, set_aside
from kgan.training.guard import Guard
from kgan.training.stopping import Stop, StoppedError

CHECKPOINTS = ("last", "best")
DATA_CHANGED = "data_changed"


def train(
    run: Run,
    run_dir: str | Path,
    saved_models: str | Path = "saved_models",
    callbacks: Sequence[keras.callbacks.Callback] = (),
    deterministic: bool = True,
    stop: Stop | None = None,
    allow_changed_data: bool = False,
) -> dict:
    """Trains, or goes on training, and exports the result.

    Args:
        run: From `prepare`.
        run_dir: The run's folder: a new one, or that of the unfinished run that `run` came from.
        saved_models: Where NAME/VERSION is written.
        callbacks: Any Keras callbacks; they see a model whose `step` counts the whole run.
        deterministic: Turn on TensorFlow's op determinism, which is for the whole process: without
            it a resumed run equals an uninterrupted one only up to rounding.
        stop: What may end training before its last step.
        allow_changed_data: Go on with an unfinished run though its data were others: told in a line
            of metrics.jsonl.

    Returns:
        What summary.json holds; nothing in a process that is not the chief, whose files they are.

    Raises:
        InputError: Another process uses the folder, not all workers see it, it is a run of other
            data, or none of its checkpoints can be read.
        StoppedError: `stop` asked for it; the run goes on from here when it is resumed.
        TrainingError: A loss or a weight was not finite once too often, a file could not be
            written, memory was short or a worker was lost; the last good checkpoint is kept.
    """
    if deterministic:
        determinism.enable()
    names.check("--out", saved_models)
    run_dir, devices = Path(names.check("--run-dir", run_dir)), run.devices
    summary, changed = {}, []
    with failures.told(run, run_dir), contextlib.ExitStack() as held:
        if devices.chief:
            run_dir.mkdir(parents=True, exist_ok=True)
            held.enter_context(folder.lock(run_dir))
            read_evaluation(run_dir)  # damaged, it is told before there is work to lose
            if is_run(run_dir):
                record = open_record(run_dir)
                record.require_current()
                changed = provenance.check_data(
                    record, run.fingerprint, run.spec, allow_changed_data
                )
                provenance.warn_of_edits(record)
                provenance.warn_of_threads(record)
            else:
                folder.write_json(run_dir / "config.json", provenance.describe(run))
        _fit(run, run_dir, callbacks, stop, changed)
        if devices.chief:
            summary = _finish(run, run_dir, saved_models)
        # The others wait for the chief, which would miss them, but not any more when all is done.
        with contextlib.suppress(*(failures.LOST if summary else ())):
            devices.values()
    return summary


def _finish(run: Run, run_dir: Path, saved_models: str | Path) -> dict:
    """Scores and exports a run whose training is done; returns its summary, which it writes."""
    # What replicas share is exported from a model of one device.
    model = run.model if run.devices.replicas == 1 else open_run(run_dir)[0]
    lines = read_metrics(run_dir / "metrics.jsonl")
    found = run.method.score(model, run.data, run.config)
    if found["scores"]:
        scores.add(run_dir, found)
    saved_model = export(model, saved_models, run.name, about(run_dir, run.total_steps))
    last = [line for line in lines if line.get("event") != diagnosis.EVENT][-1]
    summary = {**last, **found, "saved_model": str(saved_model)}
    folder.write_json(run_dir / "summary.json", summary)
    return summary


def _fit(
    run: Run,
    run_dir: Path,
    callbacks: Sequence[keras.callbacks.Callback],
    stop: Stop | None,
    changed: list[str],
) -> None:
    config, model, devices = run.config, run.model, run.devices
    checkpoints = Checkpoints(model, run_dir / "checkpoints", config.checkpoints_kept, devices)
    if devices.chief:
        checkpoints.recover()
        _check_left(checkpoints, run_dir)
    others = any(devices.values(int(bool(changed))))
    _check_agreement(run, run_dir)
    start = checkpoints.latest_step
    if others and start:
        checkpoints.restore()  # One that does not fit is refused before a file is changed.
    if changed:
        _take_over(run, run_dir, changed, start)
    log = MetricsLog(run_dir, config.log_every, run.images_per_step, checkpoints, devices.chief)
    rhythms = [config.log_every, config.sample_every, config.checkpoint_every]
    if run.scorer:
        rhythms.append(config.evaluation.every)
    guard = Guard(checkpoints, log, rhythms, config.max_rollbacks)
    own = [guard, log, Checkpointing(checkpoints, config.checkpoint_every, stop, devices)]
    samples = None
    if devices.chief:
        samples = Samples(
            run_dir,
            config.sample_every,
            lambda model: run.method.picture(model, run.data),
            lambda: checkpoints.finite,
        )
        own.insert(2, samples)
        if run.method.diagnoses:
            own.insert(2, diagnosis.Diagnosis(run_dir, log, run.method, run.data))
        if run.scorer:
            own.insert(1, Evaluation(run_dir, config.evaluation, run.scorer, checkpoints))
    if start == run.total_steps:
        checkpoints.restore()
    try:
        end = 0
        for phase in run.phases:
            first, end = max(start, end), end + phase.steps
            if first < end:
                make = functools.partial(
                    batches,
                    run.examples,
                    run.images_per_step,
                    config.seed,
                    first,
                    end,
                    run.columns,
                    balanced=run.examples.label if config.data.balance else None,
                )
                phase.fit(
                    devices.feed(make),
                    steps_per_epoch=end - first,
                    shuffle=False,
                    verbose=0,
                    callbacks=[*own, *callbacks],
                )
    except StoppedError:
        if samples:
            samples.now()
        devices.values()  # The others wait for the chief.
        raise


def _check_left(checkpoints: Checkpoints, run_dir: Path) -> None:
    """Raises an InputError where a run that has lines has no checkpoint left to go on from."""
    lines = read_metrics(run_dir / "metrics.jsonl")
    if checkpoints.empty and lines and lines[-1]["step"]:
        raise InputError(
            f"Run {run_dir} came to step {lines[-1]['step']:,}, but its checkpoints are gone: "
            "bring them back from a copy, or start a new run."
        )


def _take_over(run: Run, run_dir: Path, changed: list[str], step: int) -> None:
    """Notes from which step on a run has other data, and that these are now its own.

    Last what the data are: if it is killed before, the next time does all of it again.
    """
    event = {"event": DATA_CHANGED, "changed": changed}
    add_event(run_dir / "metrics.jsonl", step, run.images_per_step, event)
    set_aside(run_dir, step)
    record = {**read_record(run_dir), **provenance.describe_data(run)}
    folder.write_json(run_dir / "config.json", record)


def _check_agreement(run: Run, run_dir: Path) -> None:
    """Checks that all workers train the same run in the same folder.

    Raises:
        InputError: They do not.
    """
    devices = run.devices
    if not all(devices.values(int((run_dir / "config.json").exists()))):
        raise InputError(
            f"Not every worker sees {run_dir}: give a --run-dir on a disk that all of them share."
        )
    for what, given in (("settings", run.config.to_dict()), ("data", run.fingerprint)):
        digest = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).digest()
        if len(set(devices.values(int.from_bytes(digest[:7], "big")))) > 1:
            raise InputError(f"The workers were started with different {what}: give all the same.")


def about(run_dir: str | Path, step: int) -> dict:
    """Returns what a served model is to tell of its run: classes, data, licence, scores so far.

    Args:
        run_dir: The run's folder.
        step: At which the model is.

    Raises:
        InputError: No run.
    """
    record, known = open_record(run_dir), read_evaluation(run_dir)
    data = record.config.data
    spec = record.spec
    return {
        "run": Path(run_dir).resolve().name,
        **({"class_names": list(spec.class_names)} if record.conditional else {}),
        **({"class_column": spec.class_column} if record.conditional and spec.class_column else {}),
        "dataset": data.name,
        "data_licence": licence(data.name, data.data_dir),
        "scores": [score for score in known["scores"] if score["step"] == step],
    }


def open_run(run_dir: str | Path, checkpoint: str = "last") -> tuple[keras.Model, str]:
    """Returns a run's model at one of its checkpoints, without its data, and the run's name.

    Args:
        run_dir: The run's folder.
        checkpoint: "last", or "best" of a run that was scored while it trained.

    Returns:
        A `kgan.GAN`, `Autoencoder`, `StackedAutoencoder` or `VAE`, compiled; the name.

    Raises:
        InputError: No run, one without such a checkpoint yet, or none that can be read.
    """
    if checkpoint not in CHECKPOINTS:
        raise unknown("checkpoint", checkpoint, CHECKPOINTS)
    names.check("Run", run_dir)
    record = open_record(run_dir)
    config = record.config
    model = build(config, record.spec)
    best = checkpoint == "best"
    place = best_place(Path(run_dir)) if best else Path(run_dir) / "checkpoints"
    checkpoints = Checkpoints(model, place)
    if best and not checkpoints.latest_step:
        raise InputError(
            f"Run {run_dir} has no best checkpoint: train with --evaluate-every N, or take the "
            "last."
        )
    if not checkpoints.latest_step:
        raise InputError(
            f"Run {run_dir} has no checkpoint yet: the first comes after "
            f"{config.checkpoint_every} steps."
        )
    checkpoints.restore(oldest=1)
    return model, names.as_model(record.name)
