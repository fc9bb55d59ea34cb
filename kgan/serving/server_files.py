"""What TF Serving reads beside the models: which to serve, how to batch, how to be watched."""

import os
import re
from pathlib import Path

from kgan import names
from kgan.errors import InputError
from kgan.serving.export import ASIDE
from kgan.serving.saved import versions

MOUNTED = "/models"  # where the Docker image of TF Serving looks
CONFIG, BATCHING, MONITORING = "models.config", "batching.config", "monitoring.config"
# Without it a server ends at start: it would give labels to loaded versions only.
LABELS_FLAG = "--allow_version_labels_for_unavailable_models=true"
# Endpoints take any number of rows, so batches need no allowed sizes to be filled up to.
_BATCHING = """\
max_batch_size { value: 256 }  # rows; a larger request is refused
batch_timeout_micros { value: 2000 }
max_enqueued_batches { value: 1000 }
"""
_MONITORING = """\
prometheus_config { enable: true path: "/monitoring/prometheus/metrics" }
"""


def write_models_config(root: str | Path, base_path: str = MOUNTED) -> Path:
    """Writes root/models.config, by which TF Serving serves all models.

    Of each model the newest version has the label "latest" and the one before it "previous".
    batching.config and monitoring.config appear beside it, unless they are there.

    Args:
        root: The folder of all models.
        base_path: The path that this folder has for the server: absolute, or a URI.

    Returns:
        The path of models.config.

    Raises:
        InputError: There is no model, one has a name that has to be quoted, the base path is
            relative, or the folder cannot be written.
    """
    root = Path(root)
    if not (re.match("/|[a-z0-9]+://", base_path) and base_path.isprintable()):
        raise InputError(
            f"--base-path {base_path!r}: expected an absolute path, or a URI such as gs://bucket, "
            "as TF Serving does."
        )
    models = [folder for folder in sorted(root.glob("*")) if folder.is_dir() and versions(folder)]
    if not models:
        raise InputError(f"{root} holds no SavedModel: write one with `kgan export RUN`.")
    text = "model_config_list {\n"
    for folder in models:
        names.check_model(f"The name of the model in {root}", folder.name)
        newest = [int(version.name) for version in reversed(versions(folder))]
        labelled = dict(zip(("latest", "previous"), newest, strict=False))
        chosen = "".join(f" versions: {version}" for version in labelled.values())
        text += (
            "  config {\n"
            f'    name: "{folder.name}"\n'
            f"    base_path: {_quoted(f'{base_path}/{folder.name}')}\n"
            '    model_platform: "tensorflow"\n'
            f"    model_version_policy {{ specific {{{chosen} }} }}\n"
        )
        for label, version in labelled.items():
            text += f'    version_labels {{ key: "{label}" value: {version} }}\n'
        text += "  }\n"
    _write(root / CONFIG, text + "}\n")
    for name, content in ((BATCHING, _BATCHING), (MONITORING, _MONITORING)):
        if not (root / name).exists():
            _write(root / name, content)
    return root / CONFIG


def _write(path: Path, text: str) -> None:
    aside = path.with_name(f"{ASIDE}{path.name}")
    try:
        aside.write_text(text, encoding="utf-8")
        os.replace(aside, path)
    except OSError as error:
        raise InputError(f"Cannot write {path}: {error.strerror}.") from error


def _quoted(text: str) -> str:
    """Returns a string of the protocol buffers' text format."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
