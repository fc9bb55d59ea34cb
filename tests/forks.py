"""`python -c` in a process that has TensorFlow at once, forked from one that loaded it.

To load it takes 4 s of a CPU. Where it is forked nothing of it has run yet, not even a thread of
it, so that a fork is as good as a fresh process.
"""

import multiprocessing
import os
import tempfile

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
            self._out = file.name
        given = {"code": code, "args": [*map(str, args)], "out": self._out}
        given |= {"env": dict(env or os.environ), "place": str(cwd or os.getcwd())}
        self._process = _CONTEXT.Process(target=exec, args=(_BEGIN, given))
        self._process.start()
        self.pid = self._process.pid

    @property
    def returncode(self):
        return self._process.exitcode

    def poll(self):
        return self._process.exitcode

    def send_signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self._process.kill()

    def wait(self, timeout=300):
        self._process.join(timeout)
        assert self.returncode is not None, "it has not ended"
        return self.returncode

    def printed(self):
        with open(self._out) as file:
            return file.read()
