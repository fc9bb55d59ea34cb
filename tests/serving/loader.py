"""KGAN's exports in the runtime that TF Serving runs them in: a program in C++, see loader.cc.

usage:
    with Loader(build(folder), "saved_models/digits-dcgan/1") as loader:
        images = loader("sample", seeds=np.arange(3))["images"]
"""

import contextlib
import os
import shutil
import struct
import subprocess
import threading
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

SOURCE = Path(__file__).with_name("loader.cc")
LIBRARIES = ("libtensorflow_cc.so.2", "libtensorflow_framework.so.2")


class LoaderError(Exception):
    """What the program answers to a request that it cannot serve, or to a folder."""


def unavailable() -> str | None:
    """Returns why the program cannot be built here; None if it can."""
    if not shutil.which("g++"):
        return "There is no g++."
    header = Path(tf.sysconfig.get_include()) / "tensorflow/cc/saved_model/loader.h"
    libraries = (Path(tf.sysconfig.get_lib()) / library for library in LIBRARIES)
    missing = next((path for path in (header, *libraries) if not path.exists()), None)
    return missing and f"This TensorFlow has no {missing}."


def build(folder: str | Path) -> Path:
    """Returns the program in a folder, compiled if it is not there or older than its source.

    Raises:
        RuntimeError: There is no compiler, no library, or the source does not compile.
    """
    if reason := unavailable():
        raise RuntimeError(reason)
    program = Path(folder) / "loader"
    if program.exists() and program.stat().st_mtime > SOURCE.stat().st_mtime:
        return program
    library = tf.sysconfig.get_lib()
    # All time is spent inside TensorFlow's libraries: optimising would only compile longer.
    command = ["g++", "-O0", *tf.sysconfig.get_compile_flags(), str(SOURCE), "-o", str(program)]
    # Some symbols of the second library are needed through the first alone.
    links = [f"-L{library}", "-Wl,--no-as-needed", *(f"-l:{name}" for name in LIBRARIES)]
    result = subprocess.run(
        [*command, *links, f"-Wl,-rpath,{library}"], capture_output=True, text=True
    )
    if result.returncode:
        raise RuntimeError(f"{SOURCE} does not compile:\n{result.stderr}")
    return program


class Loader:
    """A SavedModel in a process of its own, which ends with the `with` block.

    Args:
        program: Of `build`.
        path: The version's folder.
        threads: Of an operation, and of operations side by side; one a core if None.

    Attributes:
        process: The running program.
        load_seconds: What loading took, by the program's own clock.
        signatures: The endpoints by name.

    Raises:
        LoaderError: The folder cannot be loaded.
    """

    def __init__(self, program: Path, path: str | Path, threads: int | None = None):
        self._lock = threading.Lock()
        self.process = subprocess.Popen(
            [str(program), str(path), str(threads or 0)],
            env={"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            self.load_seconds = self._number() / 1e6
            found = self._reply()
        except BaseException:
            self.close()
            raise
        # TensorFlow lists its own initialiser among the endpoints.
        self.signatures = {
            name: SignatureDef.FromString(message)
            for name, message in found.items()
            if not name.startswith("__saved_model_")
        }

    def __call__(self, signature: str, **inputs) -> dict[str, np.ndarray]:
        """Returns the outputs of an endpoint for arrays, or lists of bytes, by their names."""
        outputs = self.run(signature, _protos(inputs))
        return {name: tf.make_ndarray(proto) for name, proto in outputs.items()}

    def run(self, signature: str, inputs: dict[str, TensorProto]) -> dict[str, TensorProto]:
        """Returns the outputs of an endpoint, from any thread.

        Raises:
            LoaderError: There is no such endpoint, or it does not take these inputs.
        """
        results = self._request(signature, 0, inputs)
        return {name: TensorProto.FromString(message) for name, message in results.items()}

    def time(self, signature: str, count: int, **inputs) -> np.ndarray:
        """Returns the seconds of each of `count` calls `(count,)`: of them alone, no pipe."""
        results = self._request(signature, count, _protos(inputs))
        return tf.make_ndarray(TensorProto.FromString(results["nanoseconds"])) / 1e9

    def _request(self, signature, repetitions, inputs):
        parts = [_text(signature.encode()), struct.pack("<II", repetitions, len(inputs))]
        for name, proto in inputs.items():
            parts += [_text(name.encode()), _text(proto.SerializeToString())]
        with self._lock:
            try:
                self.process.stdin.write(b"".join(parts))
                self.process.stdin.flush()
            except OSError:
                raise self._ended() from None
            return self._reply()

    def _reply(self):
        error = self._text().decode()
        results = {}
        for _ in range(self._number()):
            name = self._text().decode()
            results[name] = self._text()
        if error:
            raise LoaderError(error)
        return results

    def _number(self):
        return struct.unpack("<I", self._read(4))[0]

    def _text(self):
        return self._read(self._number())

    def _read(self, size):
        data = self.process.stdout.read(size)
        if len(data) < size:
            raise self._ended()
        return data

    def _ended(self):
        return LoaderError(f"The program ended with status {self.process.wait()}.")

    def close(self) -> None:
        """Ends the process; it has nothing to lose."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        with contextlib.suppress(OSError):  # a request that was not taken whole
            self.process.stdin.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _protos(inputs):
    return {name: tf.make_tensor_proto(value) for name, value in inputs.items()}


def _text(data):
    return struct.pack("<I", len(data)) + data
