"""A run from its configuration to a SavedModel."""

import dataclasses
import inspect
import math
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import kgan
from kgan.data import Examples, load
from kgan.data.pipeline import batches
from kgan.data.toy import MIXTURES
from kgan.errors import InputError
from kgan.losses import OBJECTIVES
from kgan.metrics.mixture import mixture_coverage
from kgan.models import GAN, OPTIMIZERS
from kgan.networks import NETWORKS
from kgan.serving import export
from kgan.training import folder, precision
from kgan.training.callbacks import POINT_SAMPLES, Checkpointing, MetricsLog, Samples, read_metrics
from kgan.training.checkpoint import Checkpoints
from kgan.training.config import RunConfig, override, settings


@dataclass
class Run:
    """A run that is ready to train.

    Attributes:
        config: With every "auto" resolved.
        examples: What it trains on.
        gan: Compiled.
        name: Data set and network, such as "mnist-dcgan"; also the SavedModel's name.
    """

    config: RunConfig
    examples: Examples
    gan: GAN
    name: str

    @property
    def images_per_step(self) -> int:
        """Real examples a training step."""
        return self.config.batch_size * self.config.game.discriminator_steps


def steps_for_epochs(epochs: int, examples: Examples, config: RunConfig) -> int:
    """Returns the steps in which the discriminator sees every example `epochs` times."""
    return math.ceil(epochs * len(examples) / (config.batch_size * config.game.discriminator_steps))


def prepare(config: RunConfig, examples: Examples) -> Run:
    """Builds everything that a run needs, and so finds what is wrong before a file is written.

    Args:
        config: The configuration; "auto" precision is resolved.
        examples: From `load_examples`.

    Raises:
        InputError: The data are fewer than a batch, or the networks cannot be built.
    """
    if config.batch_size > len(examples):
        raise InputError(
            f"Batch size {config.batch_size} is larger than the data: {examples.name} has "
            f"{len(examples)} examples; pass --batch-size {len(examples)} or less."
        )
    config = _resolved(config)
    return Run(config, examples, build(config, examples), f"{examples.name}-{config.network.name}")


def _resolved(config: RunConfig) -> RunConfig:
    """Returns the configuration with what it leaves open decided."""
    config = dataclasses.replace(config, precision=precision.resolve(config.precision))
    known = settings(config)
    penalised = OBJECTIVES[config.game.objective].penalties or config.game.r1
    key = "network.discriminator.normalization"
    if penalised and key in known and "normalization" not in config.network.discriminator:
        # A penalty per example needs a discriminator that takes examples one by one.
        return override(config, {key: "layer"})
    return config


def load_examples(config: RunConfig, report=None) -> Examples:
    """Returns the training examples of a configuration: see `kgan.load`."""
    data = config.data
    return load(data.name, data_dir=data.data_dir, image_size=data.image_size, report=report)


def build(config: RunConfig, examples: Examples) -> GAN:
    """Returns the compiled GAN of a configuration, its weights drawn from the seed.

    Raises:
        InputError: A network or an optimizer cannot be built from its options.
    """
    network, options = NETWORKS[config.network.name], dict(config.network.generator)
    if "mean_image" in inspect.signature(network.generator).parameters:
        options["mean_image"] = _mean_image(examples)
    keras.utils.set_random_seed(config.seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision.policy(config.precision))
    try:
        shape = examples.image_shape
        gan = GAN(
            network.generator(shape, config.network.latent_dim, **options),
            network.discriminator(shape, **config.network.discriminator),
            value_range=network.value_range,
            ema_decay=config.game.ema_decay,
            seed=config.seed,
        )
        gan.compile(
            objective=config.game.objective,
            generator_optimizer=_optimizer(config.generator_optimizer),
            discriminator_optimizer=_optimizer(config.discriminator_optimizer),
            discriminator_steps=config.game.discriminator_steps,
            r1=config.game.r1,
        )
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"{config.network.name} cannot be built so: {reason}") from error
    finally:
        keras.config.set_dtype_policy(before)
    return gan


def _mean_image(examples: Examples, at_most: int = 10_000) -> np.ndarray | None:
    """Returns the mean of the first images in [0, 1], None for points in the plane."""
    if len(examples.image_shape) != 3:
        return None
    return np.mean(examples.images[:at_most], axis=0, dtype=np.float64) / 255


def _optimizer(values: dict) -> keras.optimizers.Optimizer:
    options = {key: value for key, value in values.items() if key != "name"}
    return OPTIMIZERS[values["name"]](**options)


def train(
    run: Run,
    run_dir: Path,
    saved_models: Path = Path("saved_models"),
    callbacks: Sequence[keras.callbacks.Callback] = (),
    deterministic: bool = True,
) -> dict:
    """Trains, or goes on training, and exports the result.

    Args:
        run: From `prepare`.
        run_dir: A folder made by `folder.create`, or an unfinished run's.
        saved_models: Where NAME/VERSION is written.
        callbacks: Any Keras callbacks; they see a model whose `step` counts the whole run.
        deterministic: Turn on TensorFlow's op determinism, which is for the whole process: without
            it a resumed run equals an uninterrupted one only up to rounding.

    Returns:
        What summary.json holds.

    Raises:
        InputError: Another process uses the folder.
        TrainingError: A loss or a weight was not finite; the last good checkpoint is kept.
    """
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    with folder.lock(run_dir):
        if not (run_dir / "config.json").exists():
            folder.write_json(run_dir / "config.json", _record(run))
        _fit(run, run_dir, callbacks)
        lines = read_metrics(run_dir / "metrics.jsonl")
        saved_model = export(run.gan, saved_models, run.name)
        summary = {**lines[-1], "saved_model": str(saved_model)}
        if run.examples.name in MIXTURES:
            points = run.gan.sample(range(POINT_SAMPLES))
            summary |= mixture_coverage(points, *MIXTURES[run.examples.name])
        folder.write_json(run_dir / "summary.json", summary)
    return summary


def _fit(run: Run, run_dir: Path, callbacks: Sequence[keras.callbacks.Callback]) -> None:
    config = run.config
    checkpoints = Checkpoints(run.gan, run_dir / "checkpoints")
    start = checkpoints.latest_step
    points = run.examples.images[:POINT_SAMPLES] if run.examples.name in MIXTURES else None
    own = [
        MetricsLog(run_dir, config.log_every, run.images_per_step, checkpoints),
        Samples(run_dir, config.sample_every, points),
        Checkpointing(checkpoints, config.checkpoint_every),
    ]
    if start == config.steps:
        checkpoints.restore()
        return
    data = batches(run.examples, run.images_per_step, config.seed, start, config.steps)
    run.gan.fit(
        data,
        steps_per_epoch=config.steps - start,
        shuffle=False,
        verbose=0,
        callbacks=[*own, *callbacks],
    )


def _record(run: Run) -> dict:
    versions = {
        "kgan": kgan.__version__,
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }
    devices = [device.device_type for device in tf.config.list_physical_devices()]
    return {
        "name": run.name,
        "config": run.config.to_dict(),
        "examples": len(run.examples),
        "image_shape": list(run.examples.image_shape),
        "device": "GPU" if "GPU" in devices else f"CPU {platform.machine()}",
        "versions": versions,
    }


def reopen(run_dir: str | Path, changes: dict, report=None) -> Run:
    """Returns an unfinished run, ready to go on.

    Args:
        run_dir: The run's folder.
        changes: Settings asked for by dotted key; each must be what the run has.
        report: Called while data are prepared: see `kgan.load`.

    Raises:
        InputError: No run, a finished one, contradicting settings, or data that changed.
    """
    record = folder.read_config(run_dir)
    if (Path(run_dir) / "summary.json").exists():
        raise InputError(
            f"Run {run_dir} is finished ({record['config']['steps']} steps): draw from it with "
            f"kgan sample {run_dir}, or start a new one."
        )
    config = RunConfig.from_dict(record["config"])
    known = settings(config)
    for key, value in changes.items():
        if known.get(key) != value:
            raise InputError(
                f"{key} is {value!r}, but run {run_dir} has {known.get(key)!r}: leave the option "
                "out to go on, or start a new run."
            )
    run = prepare(config, load_examples(config, report))
    if len(run.examples) != record["examples"]:
        raise InputError(
            f"{config.data.name} now has {len(run.examples)} examples, but run {run_dir} began "
            f"with {record['examples']}: bring the data back, or start a new run."
        )
    return run


def restore(run_dir: str | Path) -> tuple[GAN, str]:
    """Returns a run's GAN at its newest checkpoint, without its data, and the run's name.

    Raises:
        InputError: No run, or one without a checkpoint yet.
    """
    record = folder.read_config(run_dir)
    config = RunConfig.from_dict(record["config"])
    shape = tuple(record["image_shape"])
    empty = Examples(np.zeros((1, *shape), np.uint8), None, (), config.data.name)
    gan = build(config, empty)
    checkpoints = Checkpoints(gan, Path(run_dir) / "checkpoints")
    if not checkpoints.latest_step:
        raise InputError(
            f"Run {run_dir} has no checkpoint yet: the first comes after "
            f"{config.checkpoint_every} steps."
        )
    checkpoints.restore()
    return gan, record["name"]
