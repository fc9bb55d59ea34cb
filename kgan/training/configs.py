"""The configuration in a run's config.json."""

from pathlib import Path

from kgan.errors import InputError
from kgan.runs.records import NEW_RUN, read_record
from kgan.training.config import CONFIGS, Config


def read_config(folder: str | Path) -> dict:
    """Returns a run's config.json, what stands under "config" as `Config.to_dict` gives it now.

    Settings that came after it was written have their defaults.

    Raises:
        InputError: The folder holds no run, or a config.json that does not fit.
    """
    found = read_record(folder)
    try:
        found["config"] = config_of(found).to_dict()
    except InputError as error:
        raise InputError(
            f"{Path(folder) / 'config.json'} is no run's of this version of KGAN "
            f"({str(error).rstrip('.')}): {NEW_RUN}."
        ) from error
    return found


def config_of(record: dict) -> Config:
    """Returns the configuration in what `read_config` gave, checked.

    Raises:
        InputError: A setting is not known, of another type or outside its range.
    """
    config = CONFIGS[record.get("family", "adversarial")].from_dict(record["config"])
    config.check()
    if config.family == "pretraining" and config.network.name == "vae":
        # A run that does not say is of before there was a choice.
        config.network.options.setdefault("architecture", "dense")
    return config
