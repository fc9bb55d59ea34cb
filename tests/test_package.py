"""What is installed: one version, type hints, the commands and the shipped model."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import kgan

ROOT = Path(__file__).parents[1]


def setup(folder, *arguments):
    done = subprocess.run(
        [sys.executable, "setup.py", "--quiet", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.fixture
def tree(tmp_path):
    """A copy of what a wheel is made of."""
    for name in ("kgan", "cli", "saved_models/digits-dcgan"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.py", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_the_version_stands_in_one_place(tree):
    home = tree / "kgan" / "__init__.py"
    text = home.read_text()
    assert setup(tree, "--version")[-1] == kgan.__version__
    home.write_text(text.replace(f'"{kgan.__version__}"', '"9.8.7rc6"'))
    assert setup(tree, "--version")[-1] == "9.8.7rc6"


def test_the_changelog_tells_of_this_version():
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"
    released, _, development = kgan.__version__.partition(".dev")
    assert (headings[1].split()[0] == released) == (not development)


def test_a_wheel_holds_hints_commands_and_the_shipped_model(tree):
    setup(tree, "build_py", "--build-lib", "built")
    built = tree / "built" / "kgan"
    assert (built / "py.typed").read_bytes() == b""
    for name in ("cli/train.py", "saved_models/digits-dcgan/1/saved_model.pb"):
        assert (built / name).is_file(), name
    assert list((built / "metrics" / "classifiers").glob("*.pb"))
