"""Recorded data beside the checkout, read in place."""

import os
from pathlib import Path

import pytest

AS_PUBLISHED = "data/rki/as-published_Landkreise_2022-08-01_2023-01-07.csv"


def shared(name: str) -> Path:
    """A file of the folder `shared` beside the checkout, or where SHARED_DATA says; skips where there is none."""
    folder = Path(os.environ.get("SHARED_DATA") or Path(__file__).parents[3] / "shared")
    if not (folder / name).is_file():
        pytest.skip(f"{name} is not beside this checkout")
    return folder / name
