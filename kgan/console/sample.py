"""`kgan sample`, from its options to its last line."""

from rich.console import Console

from kgan.errors import plain
from kgan.tasks.sampling import classes as known_classes
from kgan.tasks.sampling import images, models


def sample_to(
    out: str,
    model: str | None,
    seeds: str | None,
    columns: int | None = None,
    checkpoint: str | None = None,
    server: str | None = None,
    classes: str | None = None,
    truncation: float | None = None,
    **served,
) -> None:
    """Draws images as the options of `kgan sample` say, which `checks.check_sample` found right.

    Args:
        out: See `images.write`.
        model: See `models.find_model`, or `models.open_served`; what is used is told.
        seeds: See `images.asked`.
        columns: Images a row of the sheet.
        checkpoint: Of a run: as in `models.open_model`; None for the last.
        server: To draw from TF Serving there: see `kgan.serving.ServedGenerator`.
        classes: See `images.asked`.
        truncation: See `images.asked`.
        served: With a server: see `models.open_served`.

    Raises:
        InputError: The model, the server, a class or the place to write to is wrong.
    """
    console = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
    place = None
    if server is None:
        place = models.find_model(model)
        console.print(plain(f"Drawing from {place}"))
        generator = models.open_model(place, checkpoint or "last")
    else:
        generator = models.open_served(server, model, **served)
        console.print(plain(f"Drawing from {generator.place}, version {generator.version}"))
    known = known_classes.of(generator, place)
    wanted = images.asked(out, seeds, known, classes, truncation)
    images.write(out, generator, wanted, known, columns)
    console.print(f"Wrote {out}")
