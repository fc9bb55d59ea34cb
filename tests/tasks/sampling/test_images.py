"""Images of classes: what `kgan sample` draws is what the model makes, in every form."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from kgan.errors import InputError
from kgan.models import GAN
from kgan.models.seeds import seed_labels, seed_latents
from kgan.networks import dcgan
from kgan.runs import pictures
from kgan.serving import SavedGenerator, export
from kgan.tasks.sampling import classes, images
from kgan.tasks.sampling.classes import Classes
from kgan.tasks.sampling.latents import nearer, truncated, walk

NAMES = ("cat", "7", "1", "a/b: c")
KNOWN = Classes(4, NAMES, (1.0, 0.0, 2.0, 3.0))


@pytest.fixture(scope="module")
def gan():
    networks = (
        dcgan.generator((8, 8, 1), 5, width=8, num_classes=4),
        dcgan.discriminator((8, 8, 1), width=8, num_classes=4),
    )
    gan = GAN(*networks, num_classes=4, class_frequencies=KNOWN.frequencies)
    rng = np.random.default_rng(0)
    for variable in gan.ema_generator.weights:
        if len(variable.shape) > 1:
            variable.assign(rng.normal(0, 0.4, variable.shape))
    drawn = gan.sample([3] * 4, range(4)).reshape(4, -1)
    assert len(np.unique(drawn, axis=0)) == 4, "classes must differ to be told apart"
    return gan


@pytest.fixture(scope="module")
def place(gan, tmp_path_factory):
    return export(gan, tmp_path_factory.mktemp("m"), "cats", {"class_names": list(NAMES)})


def cells(path, size, columns):
    """Returns the cells of a sheet, row by row, `(rows, columns, size, size)`."""
    sheet = np.asarray(Image.open(path))
    assert sheet.shape[1] == columns * (size + 2) + 2
    rows = (sheet.shape[0] - 2) // (size + 2)
    found = [
        [sheet[r * (size + 2) + 2 :, c * (size + 2) + 2 :][:size, :size] for c in range(columns)]
        for r in range(rows)
    ]
    return np.array(found)


def as_cell(image):
    return np.asarray(pictures.grid(image[None]))[2:-2, 2:-2]


@pytest.mark.parametrize("saved", [False, True])
def test_on_a_sheet_a_row_is_a_class_and_a_column_a_seed(saved, gan, place, tmp_path):
    generator = SavedGenerator(place) if saved else gan
    out = str(tmp_path / "x.png")
    images.write(out, generator, images.asked(out, "5,80,3", KNOWN, "1,cat,3"), KNOWN)
    found = cells(out, 64, columns=3)
    assert len(found) == 3
    # "1" is the name of class 2, and a name goes before a number.
    for row, label in zip(found, (2, 0, 3), strict=True):
        for cell, seed in zip(row, (5, 80, 3), strict=True):
            expected = as_cell(gan.sample([seed], [label])[0]).astype(int)
            assert np.abs(cell - expected).max() <= 2  # a grey level, before it is enlarged
    images.write(out, generator, images.asked(out, "5,80", KNOWN, "all"), KNOWN, columns=4)
    assert cells(out, 64, columns=4).shape[0] == 2


def test_every_class_gets_eight_seeds_where_none_are_given():
    wanted = images.asked("x.png", None, KNOWN, "all")
    np.testing.assert_array_equal(wanted.labels, np.arange(4).repeat(8))
    np.testing.assert_array_equal(wanted.seeds, [*range(8)] * 4)
    assert wanted.columns == 8
    assert len(images.asked("x.png", None, KNOWN).seeds) == 64


def test_arrays_hold_labels_also_those_that_are_drawn(gan, place, tmp_path):
    out = str(tmp_path / "x.npz")
    images.write(out, gan, images.asked(out, "0-39", KNOWN), KNOWN)
    found = np.load(out)
    assert set(found) == {"images", "seeds", "labels", "class_names"}
    assert [*found["class_names"]] == list(KNOWN.names)
    assert found["labels"].dtype == np.int32
    np.testing.assert_array_equal(found["labels"], seed_labels(np.arange(40), KNOWN.frequencies))
    np.testing.assert_array_equal(found["images"], gan.sample(range(40)))
    # A model beside which nothing is told draws them itself.
    images.write(out, SavedGenerator(place), images.asked(out, "0-39", Classes()))
    assert set(np.load(out)) == {"images", "seeds"}
    for drawn in (np.load(out)["images"], SavedGenerator(place).sample(range(40))):
        assert np.abs(drawn.astype(int) - found["images"]).max() <= 1


def test_a_walk_goes_from_seed_to_seed_and_class_to_class(gan, tmp_path):
    out = str(tmp_path / "x.gif")
    images.write(out, gan, images.asked(out, "5,8", KNOWN, "cat,3"), KNOWN)
    path = walk(seed_latents(np.array([5, 8, 5, 8]), 5).numpy())
    expected = gan.generate(path, nearer(np.array([0, 0, 3, 3])))
    file = Image.open(out)
    assert file.n_frames == 64
    for number in range(64):
        file.seek(number)
        frame = np.asarray(file.convert("L"))[2:-2, 2:-2].astype(int)
        assert np.abs(frame - as_cell(expected[number])).max() <= 1, number


def test_a_truncated_walk_stays_within_the_bound_between_its_stops(tmp_path):
    class Noted:
        latent_dim = 64

        def generate(self, latents):
            self.latents = latents
            return np.zeros((len(latents), 8, 8, 1), np.uint8)

    noted, out = Noted(), str(tmp_path / "x.gif")
    images.write(out, noted, images.asked(out, "5,8,9", None, truncation=0.5))
    assert np.abs(noted.latents).max() <= 0.5
    seeds = seed_latents(np.array([5, 8, 9]), 64).numpy()
    np.testing.assert_array_equal(noted.latents[::16], truncated(seeds, 0.5))
    # Truncated at the stops alone it leaves the bound.
    assert np.abs(walk(truncated(seeds, 0.5))).max() > 0.6


def test_truncation_is_that_of_the_latents_of_the_seeds(gan, place, tmp_path):
    out = str(tmp_path / "x.npz")
    images.write(out, gan, images.asked(out, "4,9", KNOWN, "3", truncation=0.5), KNOWN)
    found = np.load(out)
    latents = truncated(seed_latents(np.array([4, 9]), 5).numpy(), 0.5)
    np.testing.assert_array_equal(found["images"], gan.generate(latents, 3))
    assert (found["images"] != gan.sample([4, 9], 3)).any()
    assert found["truncation"] == 0.5
    # Where no class is named they are those of the seeds, which do not change with it.
    images.write(out, gan, images.asked(out, "0-9", KNOWN, truncation=0.5), KNOWN)
    labels = seed_labels(np.arange(10), KNOWN.frequencies)
    np.testing.assert_array_equal(np.load(out)["labels"], labels)


def test_single_files_are_named_by_class(gan, tmp_path):
    out = tmp_path / "x"
    images.write(str(out), gan, images.asked(str(out), "3", KNOWN, "cat,a/b: c"), KNOWN)
    names = ["seed-000003-class-a-b-c.png", "seed-000003-class-cat.png"]
    assert sorted(path.name for path in out.iterdir()) == names
    for name, label in zip(names, (3, 0), strict=True):
        image = np.asarray(Image.open(out / name))
        np.testing.assert_array_equal(image, gan.sample([3], label)[0, ..., 0])


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (("cat", "dog"), ["cat", "dog"]),
        (("写真", "é x"), ["写真", "é-x"]),
        (("a b", "a/b"), ["0", "1"]),
        (("Cat", "cat"), ["0", "1"]),
        (("..", "dog"), ["0", "1"]),
        (("\udc80\x00", "x" * 999), ["0", "1"]),
        (("y", "写" * 999), ["y", "写" * 50]),
        ((), ["0", "1"]),
    ],
)
def test_files_of_classes_have_safe_names_and_each_its_own(names, files, tmp_path):
    found = Classes(2, names).in_files(np.array([0, 1]))
    assert found == files
    for name in found:
        (tmp_path / f"seed-{2**63 - 1}-class-{name}.png").touch()


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("all", [0, 1, 2, 3]), ("cat", [0]), (" 7 , cat", [1, 0]), ("7", [1]), ("1", [2]),
        ("a/b: c,2,0", [3, 2, 0]),
    ],
)  # fmt: skip
def test_names_go_before_numbers(text, labels):
    assert list(KNOWN.asked(text)) == labels


def test_a_name_with_commas_can_be_asked_for_alone():
    known = Classes(2, ("cats, wild", "all"))
    assert known.asked("cats, wild") == [0]
    assert known.asked("all") == [1]


WRONG = {
    "no class 'dog', expected names (cat, 7, 1, a/b: c), numbers from 0 to 3": "cat,dog",
    "no class '4', expected names": "4",
    "no class '-1'": "-1",
    "no class '٣'": "٣",
    "no class '1.0'": "1.0",
    "class 'cat' is there twice, expected each once": "cat,3,0",
    "no class 'all'": "cat,all",
}


@pytest.mark.parametrize("message", WRONG)
def test_what_is_no_class_is_told(message):
    with pytest.raises(InputError) as error:
        images.asked("x.png", "1", KNOWN, WRONG[message])
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("known", "options", "message"),
    [
        (None, {"classes": "3"}, "--classes '3': the model was trained without classes"),
        (Classes(), {"classes": "all"}, "how many classes the model has is not known here"),
        (Classes(), {"classes": "cat"}, "expected numbers from 0, such as 0,1,2: the model's nam"),
        (Classes(), {"classes": "2147483648"}, "no class '2147483648'"),
        (Classes(), {"truncation": 0.5}, "--truncation 0.5: the model has classes, and how often"),
        (Classes(), {"out": "x.gif"}, "--out x.gif: the model has classes, and how often"),
        (Classes(2**63 - 1), {"classes": "all"}, "draw them in parts"),
    ],
)
def test_what_cannot_be_asked_of_a_model_is_told(known, options, message):
    options = {"out": "x.png", "seeds": "1", "known": known, **options}
    with pytest.raises(InputError) as error:
        images.asked(**options)
    assert message in str(error.value)
    assert len(str(error.value)) < 300


def test_a_row_of_a_class_has_an_end(gan, tmp_path):
    wanted = images.asked("x.png", "0-10000", KNOWN, "3")
    with pytest.raises(InputError, match="rows of 10,001 images"):
        images.write(str(tmp_path / "x.png"), gan, wanted, KNOWN)


def test_what_lies_beside_a_saved_model_tells_its_classes(place, gan):
    assert classes.of(SavedGenerator(place), place) == KNOWN


DAMAGED = {
    "no JSON": "{",
    "no list": {"num_classes": 4, "class_names": "abcd"},
    "numbers for names": {"num_classes": 4, "class_names": [1, 2, 3, 4]},
    "a line break": {"num_classes": 4, "class_names": ["a\nb", "c", "d", "e"]},
    "too few": {"num_classes": 4, "class_names": ["a"]},
    "twice": {"num_classes": 4, "class_names": ["a", "b", "c", "c"]},
    "no count": {"num_classes": "4"},
    "frequencies": {"num_classes": 4, "class_frequencies": [1, 2]},
    "negative ones": {"num_classes": 2, "class_frequencies": [1, -2]},
}


@pytest.mark.parametrize("case", DAMAGED)
def test_what_lies_beside_a_saved_model_is_read_as_a_stranger_s(case, place, tmp_path):
    copy = shutil.copytree(place, tmp_path / "1")
    spoilt = DAMAGED[case]
    text = spoilt if isinstance(spoilt, str) else json.dumps(spoilt)
    (copy / "assets.extra" / "kgan.json").write_text(text)
    with pytest.raises(InputError, match=r"kgan\.json is damaged \(.*\): bring it back, or export"):
        classes.of(SavedGenerator(place), copy)
    (copy / "assets.extra" / "kgan.json").unlink()
    assert classes.of(SavedGenerator(place), copy) == Classes()
