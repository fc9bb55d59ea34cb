"""Who may import whom (the house rule), read from the source."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY = {
    "cli": {"console", "methods", "data"},  # tables and the cache, which need no TensorFlow
    "console": {"training", "tasks", "methods", "runs", "metrics", "serving", "data"},
    "tasks": {
        "training",
        "methods",
        "runs",
        "serving",
        "models",
        "networks",
        "losses",
        "metrics",
        "data",
    },
    "training": {"methods", "runs", "serving", "models", "metrics", "data"},
    "methods": {"models", "networks", "losses", "metrics", "runs", "data"},
    "runs": {"metrics", "data"},  # the names of metrics, which scores on disk are held to
    "serving": {"models"},
    "models": {"losses", "layers", "data"},
    "networks": {"layers"},
    "data": set(),
    "layers": set(),
    "losses": set(),
    "metrics": set(),
}
SHARED = {"errors"}
# A gradient of a network needs a tape, and fused operations have no Keras name.
WITH_TENSORFLOW = {"runs", "data", "models", "training", "serving", "cli"}
TENSORFLOW_FILES = {
    "kgan/losses/penalties.py",
    "kgan/layers/conv.py",
    "kgan/layers/batch_norm.py",
    "kgan/layers/dropout.py",
    "kgan/layers/rows.py",
    "kgan/metrics/features.py",
    "kgan/tasks/evaluate/feature_classifiers.py",
}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module, node
            yield from ((f"{node.module}.{alias.name}", node) for alias in node.names)


FILES = sorted([*(ROOT / "kgan").rglob("*.py"), *(ROOT / "cli").glob("*.py")])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_only_what_its_layer_may(path):
    relative = path.relative_to(ROOT)
    layer = "cli" if relative.parts[0] == "cli" else relative.parts[1]
    for name, _ in imports(path):
        parts = name.split(".")
        if parts[0] == "tensorflow" and layer in MAY:
            assert layer in WITH_TENSORFLOW or relative.as_posix() in TENSORFLOW_FILES, name
        if parts[0] == "kgan" and len(parts) > 1 and layer in MAY and parts[1] in MAY:
            assert parts[1] == layer or parts[1] in MAY[layer], f"{relative} imports {name}"


def test_the_terminal_belongs_to_the_console():
    for path in (ROOT / "kgan").rglob("*.py"):
        if path.relative_to(ROOT).parts[1] == "console":
            continue
        calls = [n.func for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        said = {ast.unparse(call) for call in calls} & {"print", "sys.exit", "click.echo"}
        assert not said or path.name == "feature_classifiers.py", path
        assert not {name for name, _ in imports(path) if name.split(".")[0] == "rich"}, path


def test_command_modules_import_only_click_and_errors_at_the_top():
    for path in (ROOT / "cli").glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ImportFrom):
                allowed = ("kgan", "kgan.errors") if path.name == "__init__.py" else ()
                standard = node.module.split(".")[0] in sys.stdlib_module_names
                assert standard or node.module in allowed or node.module.startswith("kgan.cli.")
            elif isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= sys.stdlib_module_names | {"click"}
