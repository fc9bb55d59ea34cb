"""Metadata and dependencies of KGAN; `cli/` installs as the package `kgan.cli`."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
# Read, not imported: whoever installs KGAN does not have what it imports yet.
VERSION = re.search(
    r'^__version__ = "(.+)"$', (ROOT / "kgan" / "__init__.py").read_text(encoding="utf-8"), re.M
)

setup(
    name="kgan",
    version=VERSION[1],
    description="Generative models of images in TensorFlow/Keras: train, sample, serve.",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=[*find_packages(include=["kgan", "kgan.*"]), "kgan.cli", "kgan.saved_models"],
    package_dir={"kgan.cli": "cli", "kgan.saved_models": "saved_models"},
    package_data={
        "kgan": ["py.typed"],
        "kgan.saved_models": [
            f"digits-dcgan/{version}/{files}" for version in (1, 2) for files in ("*", "*/*")
        ],
        "kgan.metrics": ["classifiers/*"],
    },
    entry_points={"console_scripts": ["kgan = kgan.cli:main"]},
    install_requires=[
        "tensorflow>=2.20",
        "keras>=3.10",
        "tensorflow-datasets>=4.9.7",
        "importlib_resources>=6.0",  # tensorflow-datasets imports it without declaring it
        "tensorboard>=2.20",  # tf.summary needs it; TensorFlow 2.21 no longer brings it
        "click>=8.2",
        "filelock>=3.20.1",  # which does not open a link in the place of its lock
        "matplotlib>=3.8",
        "numpy>=1.26",
        "Pillow>=10.1",
        "platformdirs>=4.0",
        "requests>=2.31",
        "rich>=13.0",
        "scikit-image>=0.22",
        "scikit-learn>=1.5",
        "scipy>=1.11",
        "threadpoolctl>=3.0",
        "urllib3>=2.2",  # requests is content with older ones, which cannot read piece by piece
    ],
    extras_require={
        "dev": [
            "hypothesis>=6.100",
            "mpmath>=1.3",
            "mypy>=2.4",
            "prdc>=0.2",
            "pytest>=9.0",
            "pytest-xdist>=3.5",
            "ruff>=0.6",
            "tensorflow-serving-api>=2.20",
            "torch-fidelity>=0.4",
        ],
        "serving": ["tensorflow-serving-api>=2.20"],
        "gpu": ["tensorflow[and-cuda]>=2.20"],
        "bench": ["torch>=2.4"],
    },
)
