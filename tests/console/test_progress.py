"""What the terminal shows while a run trains and after it, at several widths and in a pipe."""

import io
import json
import re
import warnings
from types import SimpleNamespace

import pytest
from rich.console import Console

from kgan.console.progress import ProgressBar, ScoreLines
from kgan.console.status import StatusLine, duration
from kgan.console.tables import print_table
from kgan.console.train import outlook, score_rows
from kgan.errors import RunWarning
from kgan.methods import METHODS
from kgan.runs.scores import scored
from tests.training.test_pictures import Clock

WIDTHS = (40, 60, 80, 120)
LOGS = {
    "discriminator_loss": 12.345, "generator_loss": 0.888, "real_score": 0.551, "fake_score": 0.449,
    "elbo": -1234.567, "reconstruction": -1200.25, "kl": 34.317, "loss": 34.6, "mse": 0.10862,
}  # fmt: skip
# What is never left out at 80 columns.
FORMATS = {
    "gan": (METHODS["gan"].progress, ["D 12.35 G 0.89", "D(x) 0.55 D(G(z)) 0.45"]),
    "vae": (
        METHODS["vae"].progress,
        ["ELBO -1234.57", "reconstruction -1200.25", "KL 34.32"],
    ),
    "autoencoder": (METHODS["autoencoder"].progress, ["loss 34.600", "squared error 0.10862"]),
}


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (-3, "0:00"), (59.6, "1:00"), (3599, "59:59"),
                          (3600, "1:00:00"), (90_061, "25:01:01")],
)  # fmt: skip
def test_durations(seconds, text):
    assert duration(seconds) == text


def shown(renderable, width):
    """Returns what a terminal of some columns shows, in lines."""
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(renderable)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", FORMATS)
def test_a_line_fits_and_nothing_in_it_is_cut(kind, width):
    formats, told = FORMATS[kind]
    line = StatusLine(20_000, 12_345)
    scores = [one.format(**LOGS) for one in formats]
    line.fields = ["1:23:45 left", *scores, "12,345 images/s"]
    (text,) = shown(line, width)
    assert len(text) < width
    count, *rest = re.split(r"\s{2,}", text)
    fields = [field for field in rest if not re.fullmatch("[━╸╺ ]+", field)]
    assert count == "12345/20000"
    assert fields == line.fields[: len(fields)]
    assert fields[0] == "1:23:45 left"
    assert fields[1:2] == scores[:1] or width < 60
    if width >= 80:
        assert all(words in text for words in told)
    assert ("images/s" in text) == (width == 120 or (kind, width) == ("autoencoder", 80))


def test_the_bar_has_the_room_that_is_left_or_none():
    line = StatusLine(100, 50)
    line.fields = ["x" * 30]
    # One column stays free, and two are between two fields.
    (text,) = shown(line, 60)
    assert text == f" 50/100  {'━' * 9}{' ' * 9}  {'x' * 30}"
    assert "━" not in shown(line, 46)[0]
    assert "━" in shown(line, 47)[0]


class Trained:
    """A progress bar and the training that it is told of, by a clock set by hand."""

    def __init__(self, console, seconds_left=float("inf"), start=0):
        self.clock, self.console, self.step = Clock(), console, start
        model = SimpleNamespace(step=SimpleNamespace(numpy=lambda: self.step))
        method = SimpleNamespace(progress=FORMATS["gan"][0])
        run = SimpleNamespace(images_per_step=64, total_steps=1000, method=method, model=None)
        stop = SimpleNamespace(seconds_left=seconds_left)
        self.bar = ProgressBar(run, _RUN, console, stop, self.clock)
        self.bar.set_model(model)
        self.bar.on_epoch_begin(0)

    def steps(self, count, seconds):
        for _ in range(count):
            self.bar.on_train_batch_begin(self.step)
            self.clock.now += seconds
            self.step += 1
            self.bar.on_train_batch_end(self.step - 1, LOGS)

    @property
    def lines(self):
        return self.console.file.getvalue().splitlines()


class _Path:
    def __truediv__(self, name):
        return f"RUN/{name}"


_RUN = _Path()


def test_a_pipe_gets_a_line_after_seconds_and_then_ever_more_seldom():
    trained = Trained(Console(file=io.StringIO(), width=80))
    trained.steps(1, 20.0)  # the first step takes longer and says nothing about the others
    trained.steps(900, 1.0)
    first, *lines = trained.lines
    assert first == "Samples appear in RUN/samples/"
    numbers = [int(re.match(r"step (\d+)/1000  ", line)[1]) for line in lines]
    assert numbers[:4] == [1, 6, 13, 21]  # at 20, 25, 32, 40 s: a quarter of the time so far
    assert len(numbers) < 25
    assert lines[1] == (
        "step 6/1000  16:34 left  loss D 12.35 G 0.89  D(x) 0.55 D(G(z)) 0.45  64 images/s"
    )


def test_the_time_left_is_that_until_it_stops():
    def left(seconds_left):
        trained = Trained(Console(file=io.StringIO(), width=80), seconds_left)
        trained.steps(10, 2.0)
        return trained.lines[-1].split("  ")[1]

    assert left(float("inf")) == "33:02 left"
    assert left(60 * 60) == "33:02 left"
    assert left(90) == "stops in 1:30"


def test_a_terminal_gets_one_line_that_stays_whole():
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    trained = Trained(console, start=100)
    trained.steps(30, 0.6)
    trained.bar.close()
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.file.getvalue())
    last = re.split(r"[\r\n]+", text.strip())[-1]
    assert re.match(r" 130/1000  [━╸╺ ]+  loss D 12.35 G 0.89  D\(x\) 0.55 D\(G\(z\)\) 0.45", last)
    assert "…" not in text
    trained.bar.close()  # again, and nothing happens


def test_a_warning_has_lines_of_its_own_above_the_bar():
    console = Console(
        file=io.StringIO(), width=80, force_terminal=True, color_system=None, markup=False
    )
    trained, before = Trained(console), warnings.showwarning
    trained.steps(3, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("something [b]is[/b] so", RunWarning, stacklevel=1)
    trained.bar.close()
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.file.getvalue())
    assert "Warning: something [b]is[/b] so" in re.split(r"[\r\n]+", text)
    assert warnings.showwarning is before


def score(step, value):
    return {"step": step, "name": "fid[digits-cnn]", "value": value}


def evaluated(run, *values):
    scores = [score(10 * number, value) for number, value in enumerate(values, 1)]
    text = "".join(json.dumps(line) + "\n" for line in scores)
    (run / "evaluations.jsonl").write_text(text)


def test_each_score_is_said_with_the_best(tmp_path):
    console = Console(file=io.StringIO(), width=80, markup=False)
    lines = ScoreLines(tmp_path, 10, console)
    for values in ([23.456], [23.456, 31.0], [23.456, 31.0, 0.12345]):
        evaluated(tmp_path, *values)
        lines.at(10 * len(values))
    assert console.file.getvalue().splitlines() == [
        "step 10: fid[digits-cnn] 23.46, the best so far",
        "step 20: fid[digits-cnn] 31.00, best 23.46 at 10",
        "step 30: fid[digits-cnn] 0.123, the best so far",
    ]


def test_the_last_lines_tell_what_there_is(tmp_path):
    draws = SimpleNamespace(model=SimpleNamespace(sample=None))
    codes = SimpleNamespace(model=SimpleNamespace())
    assert outlook(draws, tmp_path) == []
    for name in (
        "samples/step-00000000.png",
        "samples/step-00000020.png",
        "checkpoints/ckpt-0.index",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    picture = f"Newest picture: {tmp_path}/samples/step-00000020.png"
    # A checkpoint of before the first step cannot be drawn from.
    assert outlook(draws, tmp_path) == outlook(codes, tmp_path) == [picture]
    (tmp_path / "checkpoints/ckpt-1.index").touch()
    assert outlook(codes, tmp_path) == [picture]
    evaluated(tmp_path, 31.0, 23.456, 40.0)
    assert outlook(draws, tmp_path) == [
        picture,
        f"Draw from it with: kgan sample {tmp_path}",
        f"Best fid[digits-cnn]: 23.46 at step 20. Draw from it with: kgan sample {tmp_path} "
        "--checkpoint best",
    ]


NAMES = ["00001-digits-dcgan", "00002-a-name-of-many-parts", "images.npz", "test images", "noise",
         "train images", "k-means centroids"]  # fmt: skip
ROWS = [
    ("score", *NAMES),
    ("fid[digits-cnn]", *[f"{100 + i}.5" for i in range(7)]),
    ("kid[digits-cnn]", *[f"-0.00{i}9 ± 0.0012" for i in range(7)]),
    ("classifier_score[digits-cnn]", *["3.14"] * 7),
]


@pytest.mark.parametrize("width", [60, 80, 120, 10_000])
def test_a_table_is_whole_at_every_width(width):
    console = Console(file=io.StringIO(), width=width, markup=False)
    print_table(ROWS, console, "A title")
    text = console.file.getvalue()
    lines = [line for line in text.splitlines() if line.strip()]
    assert "…" not in text
    assert max(map(len, lines)) <= width
    assert lines[0] == "A title"
    heads = [line for line in lines if line.startswith("score")]
    assert (len(heads) == 1) == (width == 10_000)
    for name, *numbers in ROWS[1:]:
        found = [re.split(r"\s{2,}", line.strip()) for line in lines if line.startswith(name)]
        assert [number for row in found for number in row[1:]] == numbers
        assert len(found) == len(heads)
    for name in NAMES:
        assert all(part in text for part in re.split("[ -]", name)), name


def test_a_folded_table_leaves_out_rows_that_are_empty_there():
    rows = [("score", "a run's name", "noise"), ("fid", "1.5", ""), ("parzen", "2.5", "3.5")]
    shown = {}
    for width in (20, 80):
        console = Console(file=io.StringIO(), width=width, markup=False)
        print_table(rows, console)
        lines = [line.split() for line in console.file.getvalue().splitlines()]
        shown[width] = [line for line in lines if line and line[0] in ("fid", "parzen")]
    assert shown[20] == [["fid", "1.5"], ["parzen", "2.5"], ["parzen", "3.5"]]
    assert shown[80] == [["fid", "1.5"], ["parzen", "2.5", "3.5"]]


def test_no_rows_are_no_table():
    console = Console(file=io.StringIO(), width=80)
    print_table([], console)
    assert console.file.getvalue() == ""


def test_scores_of_a_training_tell_of_what_and_of_how_many():
    about = {"split": "test", "n": 299}
    scores = scored({"mse": 0.5, "modes": 8, "psnr[corrupted]": 21.5}, **about)
    scores += scored({"elbo": -27.5}, **{**about, "n": 100})
    found = {"scores": scores, "baselines": {"mean image": scores[:1]}}
    assert score_rows(SimpleNamespace(name="mine"), found) == [
        ("test, n = 299", "mse", "modes", "psnr[corrupted], dB", "elbo, nats, 100 images"),
        ("mine", "0.500", "8", "21.50", "-27.50"),
        ("mean image", "0.500", "", "", ""),
    ]
    assert score_rows(None, {"scores": [], "baselines": {}}) == []
