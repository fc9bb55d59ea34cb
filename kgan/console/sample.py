"""`kgan sample`, from its options to its last line."""

from rich.console import Console

from kgan.errors import plain
from kgan.tasks import drawing, sampling


def sample_to(
    out: str,
    model: str | None,
    seeds: str,
    columns: int | None = None,
    checkpoint: str | None = None,
    server: str | None = None,
    **served,
) -> None:
    """Draws images as the options of `kgan sample` say, which `checks.check_sample` found right.

    Args:
        out: See `sampling.write`.
        model: See `sampling.find_model`, or `sampling.open_served`; what is used is told.
        seeds: See `drawing.parse_seeds`.
        columns: Images a row of the sheet.
        checkpoint: Of a run: as in `sampling.open_model`; None for the last.
        server: To draw from TF Serving there: see `kgan.serving.ServedGenerator`.
        served: With a server: see `sampling.open_served`.

    Raises:
        InputError: The model, the server or the place to write to is wrong.
    """
    console = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
    if server is None:
        source = sampling.find_model(model)
        console.print(plain(f"Drawing from {source}"))
        generator = sampling.open_model(source, checkpoint or "last")
    else:
        generator = sampling.open_served(server, model, **served)
        source = f"{generator.place}, version {generator.version}"
        console.print(plain(f"Drawing from {source}"))
    sampling.write(out, generator, drawing.parse_seeds(seeds), columns)
    console.print(f"Wrote {out}")
