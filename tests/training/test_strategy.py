"""Which devices are chosen, and what is said where they are not there."""

import functools
import json
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

from kgan.cli import main
from kgan.data import Examples
from kgan.data.pipeline import batches
from kgan.data.space import IMAGES
from kgan.errors import InputError
from kgan.training import strategy

CLUSTER = {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}


def config(cluster=CLUSTER, **task):
    return json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 0, **task}})


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.delenv("TPU_NAME", raising=False)


@pytest.mark.parametrize(
    ("gpus", "environment", "expected"),
    [
        (0, {}, "single"),
        (1, {}, "single"),
        (2, {}, "mirrored"),
        (2, {"TPU_NAME": "local"}, "tpu"),
        (2, {"TPU_NAME": "local", "TF_CONFIG": config()}, "multiworker"),
        (0, {"TF_CONFIG": config({"chief": ["a:1"], "worker": ["b:1"]})}, "multiworker"),
        (2, {"TF_CONFIG": config({"worker": ["a:1"]})}, "mirrored"),
        (0, {"TF_CONFIG": ""}, "single"),
    ],
)
def test_auto_is_what_the_machine_has(gpus, environment, expected, monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["gpu"] * gpus)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert strategy.resolve() == expected
    assert strategy.resolve("single") == "single"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "needs TF_CONFIG"),
        ("{", "TF_CONFIG is '{': expected JSON"),
        ("[" * 100_000, "(100,002 characters): expected JSON"),
        ("9" * 5000, "expected JSON"),
        ('{"cluster": {"worker": 5}}', "expected JSON"),
        ('{"cluster": {"worker": null}}', "expected JSON"),
        ('{"cluster": {"worker": ["a:1", 2]}}', "expected JSON"),
        ('{"cluster": {"worker": ["a:1"]}, "task": "worker"}', "expected JSON"),
        ("[1]", "expected JSON"),
        (config(index=2), '"index": 2}'),
        (config(index="0"), "a task that is one of them"),
        (config(type="ps"), "a task that is one of them"),
        (config(type="evaluator"), "a task that is one of them"),
        (config({**CLUSTER, "ps": ["127.0.0.1:3"]}), "expected workers"),
        (json.dumps({"cluster": CLUSTER}), "the task {}"),
    ],
)
def test_a_cluster_that_cannot_be_is_told_in_a_line(text, told, monkeypatch, workdir):
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    call = ["train", "--strategy", "multiworker", "--run-dir", "run"]
    result = CliRunner().invoke(main, call)
    assert result.exit_code == 2
    assert told in result.output
    assert "host0:2222" in result.output
    assert not list(workdir.iterdir())


def test_the_option_knows_every_strategy():
    for command in ("train", "pretrain", "finetune"):
        option = next(p for p in main.commands[command].params if p.name == "strategy")
        assert set(option.type.choices) == {"auto", *strategy.STRATEGIES}


def test_several_workers_need_a_run_folder(monkeypatch, workdir):
    monkeypatch.setenv("TF_CONFIG", config())
    result = CliRunner().invoke(main, ["train"])
    assert result.exit_code == 2
    assert "Several workers need one --run-dir" in result.output
    # A dry run waits for nobody.
    result = CliRunner().invoke(main, ["train", "--run-dir", "run", "--dry-run"])
    assert result.exit_code == 0, result.output
    assert not list(workdir.iterdir())


@pytest.mark.parametrize("command", ["train", "pretrain"])
def test_no_tpu_is_told_in_a_line(command, workdir):
    result = CliRunner().invoke(main, [command, "--strategy", "tpu"])
    assert result.exit_code == 2
    assert "no TPU 'local'" in result.output
    assert not list(workdir.iterdir())


def test_a_tpu_is_connected_to_before_its_strategy_is_made(monkeypatch):
    calls = []

    def record(name, answer=None):
        return lambda *args, **kwargs: calls.append((name, *args, kwargs)) or answer

    made = tf.distribute.OneDeviceStrategy("CPU:0")
    resolvers = tf.distribute.cluster_resolver
    monkeypatch.setattr(resolvers, "TPUClusterResolver", record("resolver", "there"))
    monkeypatch.setattr(tf.config, "experimental_connect_to_cluster", record("connect"))
    monkeypatch.setattr(tf.tpu.experimental, "initialize_tpu_system", record("initialize"))
    monkeypatch.setattr(tf.distribute, "TPUStrategy", record("strategy", made))
    monkeypatch.setenv("TPU_NAME", "grpc://10.0.0.2:8470")
    assert strategy.choose().strategy is made
    assert calls == [
        ("resolver", {"tpu": "grpc://10.0.0.2:8470"}),
        ("connect", "there", {}),
        ("initialize", "there", {}),
        ("strategy", "there", {}),
    ]


@pytest.mark.parametrize(
    ("jobs", "task", "chief"),
    [
        ({"worker"}, ("worker", 0), True),
        ({"worker"}, ("worker", 1), False),
        ({"chief", "worker"}, ("chief", 0), True),
        ({"chief", "worker"}, ("worker", 0), False),
    ],
)
def test_one_process_is_the_chief(jobs, task, chief, monkeypatch):
    resolver = SimpleNamespace(
        task_type=task[0], task_id=task[1], cluster_spec=lambda: SimpleNamespace(jobs=jobs)
    )
    kind = type("Several", (), {"num_replicas_in_sync": 2, "cluster_resolver": resolver})
    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", kind)
    assert strategy.Devices(kind()).chief == chief


def test_a_batch_must_divide(workdir):
    devices = strategy.Devices()
    devices.replicas = 4
    devices.check_batch(24, 3)
    with pytest.raises(InputError, match="Batch size 100 for 4 replicas, accumulate 3: expected a "
                       "multiple of 12, such as 108"):  # fmt: skip
        devices.check_batch(100, 3)
    result = CliRunner().invoke(main, ["train", "--batch-size", "10", "--accumulate", "4"])
    assert result.exit_code == 2
    assert "a multiple of 4, such as 12" in result.output
    result = CliRunner().invoke(main, ["pretrain", "--accumulate", "0"])
    assert result.exit_code == 2
    assert "accumulate is 0: expected 1 or more" in result.output
    assert not list(workdir.iterdir())


def test_hosts_of_several_replicas_share_each_batch():
    devices, hosts = strategy.Devices(), []

    def distribute(of_host):
        hosts.extend(of_host(tf.distribute.InputContext(2, number, 4)) for number in range(2))

    devices.replicas = 4
    devices.strategy = SimpleNamespace(distribute_datasets_from_function=distribute)
    numbers = np.arange(40, dtype=np.uint8)
    examples = Examples(numbers.reshape(-1, 1, 1, 1), {}, IMAGES, "made")
    make = functools.partial(batches, examples, 8, 0, 2, 7)
    devices.feed(make)
    # Of each host an element a replica in turn: two a step, of two rows.
    parts = [np.reshape([rows.numpy() for rows in host], (5, 4)) for host in hosts]
    whole = np.reshape([rows.numpy() for rows in make()], (5, 8))
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_one_device_is_fed_as_it_is():
    data = tf.data.Dataset.range(3)
    assert strategy.Devices().feed(lambda shard: data) is data
    np.testing.assert_array_equal(strategy.Devices().values(7), [7])
