"""On which devices a run trains: the one place that chooses them, and knows which process writes.

Many replicas of a model, on one machine or on several, equal one device up to rounding:
- data: every replica is fed its rows of the global batch (`Devices.feed`);
- losses are divided by the number of replicas (`models.step.minimize`);
- noise and dropout are drawn for the global batch and sliced (`models.step.Noise`,
  `layers.Dropout`);
- statistics of the batch are those of the global one (`layers.BatchNormalization`).
"""

import contextlib
import json
import os
import signal
from collections.abc import Callable

import tensorflow as tf

from kgan.data.pipeline import Shard
from kgan.errors import InputError
from kgan.training.cluster import EXAMPLE, STRATEGIES, members, read, several


def choose(name: str = "auto") -> "Devices":
    """Returns a strategy's devices, connected to the other workers or to the TPU if it has any.

    To be called before TensorFlow computes anything.

    Args:
        name: In `STRATEGIES`; "auto" is "multiworker" where TF_CONFIG names several workers, "tpu"
            where TPU_NAME is set, "mirrored" where there are several GPUs, else "single".

    Raises:
        InputError: Its devices are not there, or TF_CONFIG cannot be used.
    """
    return Devices(STRATEGIES[resolve(name)]())


def resolve(name: str = "auto") -> str:
    """Returns the strategy's name, "auto" decided."""
    if name != "auto":
        return name
    if several():
        return "multiworker"
    if os.environ.get("TPU_NAME"):
        return "tpu"
    return "mirrored" if len(tf.config.list_physical_devices("GPU")) > 1 else "single"


def single() -> tf.distribute.Strategy:
    """Returns the strategy of one device."""
    return tf.distribute.get_strategy()


def mirrored() -> tf.distribute.Strategy:
    """Returns the strategy of all GPUs or, where there are none, all logical CPU devices."""
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def multiworker() -> tf.distribute.Strategy:
    """Returns the strategy of the workers that TF_CONFIG names, connected to the others.

    Raises:
        InputError: TF_CONFIG names none, or they cannot be reached.
    """
    cluster, task = members(), read().get("task") or {}
    if not cluster:
        raise InputError(
            f"--strategy multiworker needs TF_CONFIG, on every worker with its own index: {EXAMPLE}"
        )
    kind, index = task.get("type"), task.get("index")
    peers = cluster.get(kind, []) if kind in ("chief", "worker") else []
    if set(cluster) - {"chief", "worker"} or not (
        isinstance(index, int) and 0 <= index < len(peers)
    ):
        raise InputError(
            f"TF_CONFIG has the cluster {json.dumps(cluster)} and the task {json.dumps(task)}: "
            f"expected workers, a chief at most, and a task that is one of them, such as {EXAMPLE}"
        )
    # It waits where Python hears of no Ctrl-C, and there is nothing to lose yet.
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except (tf.errors.OpError, RuntimeError) as error:
        raise InputError(
            f"Worker {index} cannot join the others ({str(error).splitlines()[0]}): TF_CONFIG's "
            "addresses must be reachable from every worker, and its own port free."
        ) from error
    finally:
        signal.signal(signal.SIGINT, before)


def tpu() -> tf.distribute.Strategy:
    """Returns the strategy of a TPU, connected.

    Raises:
        InputError: There is none.
    """
    name = os.environ.get("TPU_NAME", "local")
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu=name)
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise InputError(
            f"--strategy tpu: no TPU {name!r} ({str(error).strip().splitlines()[0]}): run on a TPU "
            "VM with tensorflow-tpu, or set TPU_NAME."
        ) from error


class Devices:
    """Where a model trains: the replicas of a strategy, and the processes that they are in.

    Args:
        strategy: By default the one in whose scope this is made.

    Attributes:
        strategy: TensorFlow's.
        replicas: How many there are, in all processes.
        several: Whether there are several processes, the workers.
        chief: Whether this process is the one that writes.
    """

    def __init__(self, strategy: tf.distribute.Strategy | None = None):
        self.strategy = strategy = strategy or tf.distribute.get_strategy()
        self.replicas, self.chief = strategy.num_replicas_in_sync, True
        self.several = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
        if self.several:
            resolver = strategy.cluster_resolver
            first = "chief" if "chief" in resolver.cluster_spec().jobs else "worker"
            self.chief = (resolver.task_type, resolver.task_id) == (first, 0)
            self._gather = tf.function(lambda values: strategy.gather(values, axis=0))

    def scope(self) -> contextlib.AbstractContextManager:
        """Returns the context that models are built in."""
        return self.strategy.scope()

    def values(self, value: int = 0) -> list[int]:
        """Returns the value that each process gave; each waits for the others."""
        if not self.several:
            return [value]
        own = self.strategy.experimental_distribute_values_from_function(
            lambda _: tf.constant([value], tf.int64)
        )
        return self._gather(own).numpy().tolist()

    def feed(
        self, make: Callable[..., tf.data.Dataset]
    ) -> tf.data.Dataset | tf.distribute.DistributedDataset:
        """Returns a data set that gives every replica its rows.

        Args:
            make: Such as `data.pipeline.batches`, from the `shard` of a host to its data set.
        """
        if self.replicas == 1:
            return make(shard=Shard())

        def of_host(context: tf.distribute.InputContext):
            count = self.replicas // context.num_input_pipelines
            return make(shard=Shard(context.input_pipeline_id * count, count, self.replicas))

        return self.strategy.distribute_datasets_from_function(of_host)

    def check_batch(self, batch_size: int, pieces: int = 1) -> None:
        """Raises an InputError unless the batch divides into equal parts for all replicas."""
        parts = self.replicas * pieces
        if batch_size % parts:
            several = "replicas" if self.replicas > 1 else "replica"
            raise InputError(
                f"Batch size {batch_size} for {self.replicas} {several}, accumulate {pieces}: "
                f"expected a multiple of {parts}, such as {-(-batch_size // parts) * parts}."
            )
