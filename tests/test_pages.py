"""What README, guides and CONTRIBUTING print works, and what they point to is there."""

import functools
import os
import re
import shlex
from pathlib import Path

import click
import pytest

import kgan
from kgan.cli import main

ROOT = Path(__file__).parents[1]
GUIDES = sorted((ROOT / "docs").glob("*.md"))
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *GUIDES)
}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
TARGET = re.compile(r"\]\(([^)\s]+)\)")
PLACES = re.compile(r"(?:kgan|cli|tests|docs|saved_models)/[\w./-]*")


def blocks(page, language):
    return [code for name, code in FENCE.findall(PAGES[page]) if name == language]


def prose(page):
    return FENCE.sub("", PAGES[page])


def in_line(page):
    """Returns what stands between backticks, on one line or over two."""
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose(page))]


def shown(page):
    """Returns the lines of a page's shell blocks, without their comments and environment."""
    lines = "\n".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    lines = [re.sub(r'^TF_CONFIG="[^"]*" ', "", line) for line in lines]
    return {line.split("#")[0].rstrip("& ") for line in lines}


def commands(page):
    """Returns the calls of kgan in a page's shell blocks and prose."""
    return {line for line in [*shown(page), *in_line(page)] if re.match(r"kgan \w", line)}


COMMANDS = sorted({(page, line) for page in PAGES for line in commands(page)})
# What asks a server is tried in tests/serving/test_show.py.
EXAMPLES = {
    f"{page}-{number}": code
    for page in PAGES
    for number, code in enumerate(blocks(page, "python"))
    if "tensorflow_serving" not in code
}


def shortened(code):
    """Returns the same calls for two steps and few samples."""
    few = re.sub(r"epochs=\d+", "epochs=1, steps_per_epoch=2", code)
    return re.sub(r"samples=\d+", "samples=5", few)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_python_examples_run(example, workdir):
    names = {}
    exec(compile(shortened(EXAMPLES[example]), example, "exec"), names)
    if "sevens" in names:
        assert names["sevens"].shape == (64, 8, 8, 1)
    elif "gan" in names:
        assert names["images"].shape == (64, 8, 8, 1)
        assert (workdir / "saved_models" / "my-digits" / "1" / "saved_model.pb").exists()
    if "vae" in names:
        assert names["log_likelihoods"].shape == (299,)


def test_there_are_examples_of_gans_and_autoencoders():
    assert sum("kgan.GAN(" in code for code in EXAMPLES.values()) == 3
    assert sum("kgan.VAE(" in code for code in EXAMPLES.values()) == 1


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_every_command_has_the_options_it_is_shown_with(page, command):
    name, *arguments = shlex.split(command)[1:]
    context = click.Context(main)
    if len(arguments) < 2 and command not in shown(page):
        # The prose speaks of a command, or of an option of it.
        found = main.commands[name].get_params(context)
        assert {a for a in arguments if a[0] == "-"} <= {o for p in found for o in p.opts}
    else:
        given = ["1" if word in ("N", "S") else word for word in arguments]  # any number
        main.commands[name].make_context(name, given, parent=context)


def test_every_command_is_shown_on_the_page():
    assert {line.split()[1] for line in commands("README.md")} >= main.commands.keys()


@functools.cache
def anchors(page):
    """Returns the anchors of a page's headings, as GitHub makes them."""
    found = {}
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found[slug] = found.get(slug, 0) + 1
    return {f"{slug}-{i}" if i else slug for slug, count in found.items() for i in range(count)}


def linked(page):
    """Returns the file and the anchor that every relative link and picture of a page points to."""
    targets = [t for t in TARGET.findall(prose(page)) if not re.match(r"[a-z]+:", t)]
    parts = [target.partition("#") for target in targets]
    here = os.path.dirname(page)
    return [(os.path.normpath(os.path.join(here, f)) if f else page, a) for f, _, a in parts]


@pytest.mark.parametrize("page", PAGES)
def test_links_and_pictures_are_there(page):
    for path, anchor in linked(page):
        assert (ROOT / path).is_file(), path
        if anchor:
            assert anchor in anchors(path), f"{path}#{anchor}"


def test_every_page_and_picture_is_found_from_the_readme():
    reached, ahead = set(), ["README.md"]
    while ahead:
        page = ahead.pop()
        reached.add(page)
        if page in PAGES:
            ahead += {path for path, _ in linked(page)} - reached
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").iterdir()}
    assert reached >= there | PAGES.keys()


@pytest.mark.parametrize("page", PAGES)
def test_files_and_folders_that_are_named_are_there(page):
    for text in in_line(page):
        for word in text.split():
            if PLACES.fullmatch(word):
                placeholder = any(part.isupper() for part in word.split("/"))
                assert placeholder or (ROOT / word).exists(), word


def test_the_readme_is_a_page():
    assert len(PAGES["README.md"].splitlines()) < 200


def test_a_guide_says_first_what_it_is_for():
    for path in GUIDES:
        title, empty, opening, *_ = path.read_text(encoding="utf-8").splitlines()
        assert title.startswith("# "), path
        assert not empty, path
        assert opening.startswith(("How ", "Every ")), path


def test_the_guide_to_python_names_everything_public():
    named = {word for text in in_line("docs/python.md") for word in re.findall(r"\w+", text)}
    assert named >= set(kgan.__all__) - {"__version__"}
