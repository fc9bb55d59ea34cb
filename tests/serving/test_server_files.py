"""What a server reads beside the models."""

import pytest
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)

from kgan.errors import InputError
from kgan.serving import write_models_config


def test_models_config_serves_the_newest_two_of_every_model(tmp_path):
    protocol = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2")
    for name, count in (("one", 1), ("three", 3)):
        for version in range(1, count + 1):
            (tmp_path / name / str(version)).mkdir(parents=True)
            (tmp_path / name / str(version) / "saved_model.pb").touch()
    (tmp_path / "empty").mkdir()
    text = write_models_config(tmp_path, '/srv/"a\\b"').read_text()
    config = text_format.Parse(text, protocol.ModelServerConfig()).model_config_list.config
    found = {one.name: one for one in config}
    assert set(found) == {"one", "three"}
    for name, labels in (("one", {"latest": 1}), ("three", {"latest": 3, "previous": 2})):
        assert found[name].base_path == f'/srv/"a\\b"/{name}'
        assert found[name].model_platform == "tensorflow"
        assert dict(found[name].version_labels) == labels
        specific = found[name].model_version_policy.specific.versions
        assert sorted(specific) == sorted(labels.values())


@pytest.fixture
def pruned(tmp_path):
    """A folder with a model whose versions are not written as a server does: 010 is octal 8."""
    for version in ("008", "010"):
        (tmp_path / "m" / version).mkdir(parents=True)
        (tmp_path / "m" / version / "saved_model.pb").touch()
    return tmp_path


def test_versions_are_numbers_for_a_server(pruned):
    protocol = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2")
    text = write_models_config(pruned).read_text()
    (one,) = text_format.Parse(text, protocol.ModelServerConfig()).model_config_list.config
    assert dict(one.version_labels) == {"latest": 10, "previous": 8}


def numbers(*names):
    """Returns an empty protocol buffer with wrapped numbers by name, as TF Serving's batching has.

    tensorflow-serving-api has no class for it.
    """
    file = descriptor_pb2.FileDescriptorProto(name="own.proto", package="own", syntax="proto3")
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    made = file.message_type.add(name="Own")
    for number, name in enumerate(names, 1):
        kind = ".google.protobuf.Int64Value"
        made.field.add(name=name, number=number, label=1, type=11, type_name=kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(descriptor_pb2.FileDescriptorProto.FromString(wrappers_pb2.DESCRIPTOR.serialized_pb))
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("own.Own"))()


def test_files_for_batching_and_monitoring_lie_beside_it(pruned):
    write_models_config(pruned)
    text = (pruned / "batching.config").read_text()
    known = ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads")
    batching = text_format.Parse(text, numbers(*known))
    assert batching.max_batch_size.value >= 64  # images in a request of kgan sample
    assert batching.max_enqueued_batches.value > 0
    assert 'path: "/monitoring/prometheus/metrics"' in (pruned / "monitoring.config").read_text()
    # They are the user's to edit.
    (pruned / "batching.config").write_text("mine")
    write_models_config(pruned)
    assert (pruned / "batching.config").read_text() == "mine"


@pytest.mark.parametrize("path", ["", "models", "./models", "C:models", "/a\nb"])
def test_a_base_path_is_absolute_for_a_server(path, pruned):
    with pytest.raises(InputError, match="expected an absolute path, or a URI"):
        write_models_config(pruned, path)
    assert not (pruned / "models.config").exists()
    write_models_config(pruned, "gs://bucket/models")


def test_models_config_of_nothing_is_one_clear_error(tmp_path):
    with pytest.raises(InputError, match="holds no SavedModel: write one with `kgan export RUN`"):
        write_models_config(tmp_path)
