"""`python -c` in a process that has TensorFlow at once, forked from one that loaded it.

To load it takes 4 s of a CPU. Where it is forked nothing of it has run yet, not even a thread of
it, so that a fork is as good as a fresh process.
"""

import contextlib
import multiprocessing
import os
import signal
import tempfile
import time
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["pytest", "kgan.training.run", "kgan.tasks.finetune.finetune"])
_BEGIN = """
import os, signal, sys
for number in (1, 2):
    os.dup2(os.open(out, os.O_WRONLY | os.O_APPEND), number)
os.environ.clear()
os.environ.update(env)
os.chdir(place)
# The tests themselves may run in a shell's background, where SIGINT is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = ["-c", *args]
exec(code, {"__name__": "__main__"})
"""
KGAN = "from kgan.cli import main; main()"


class Fork:
    """What `subprocess.Popen` is, of a program in Python; all that it prints goes one way."""

    def __init__(self, code, *args, env=None, cwd=None):
        with tempfile.NamedTemporaryFile(delete=False) as file:
            self._out = Path(file.name)
        here = os.getcwd()
        given = {"code": code, "args": [*map(str, args)], "out": file.name}
        given |= {"env": dict(env or os.environ), "place": str(cwd or here)}
        self._process = _CONTEXT.Process(target=exec, args=(_BEGIN, given))
        os.chdir(tempfile.gettempdir())  # The server would import the checkout from where it is.
        try:
            self._process.start()
        finally:
            os.chdir(here)
        self.pid = self._process.pid

    @property
    def returncode(self):
        return self._process.exitcode

    def poll(self):
        return self._process.exitcode

    def send_signal(self, number):
        with contextlib.suppress(ProcessLookupError):  # It has ended.
            os.kill(self.pid, number)

    def stop(self):
        """Returns when it stands still, until it gets SIGCONT, or has ended."""
        self.send_signal(signal.SIGSTOP)
        with contextlib.suppress(FileNotFoundError):
            while Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
                time.sleep(0.001)

    def kill(self):
        self._process.kill()

    def wait(self, timeout=300):
        self._process.join(timeout)
        assert self.returncode is not None, "it has not ended"
        return self.returncode

    def printed(self):
        return self._out.read_text()
