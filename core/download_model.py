"""Download a model that models.toml lists: make model ID=… (or python -m core.download_model ID).

This is the only place that asks another host for anything, and the app never calls it.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from core.models import SETTINGS, ListedModel, listed_models
from core.pretrained import load_model, model_type, verify

HUB = "https://huggingface.co"
TIMEOUT = 60  # seconds without a single byte


def download(model: ListedModel, hub: str = HUB) -> None:
    """Fetch the files of a model; its folder appears when all are there and readable, or never.

    Raises:
        ValueError: If the model comes from a folder, a file cannot be had or is not the one listed.
    """
    if model.repository is None:
        raise ValueError(f"the model {model.id!r} lies in {model.folder}; nothing to download")
    model.folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=model.folder.parent, prefix=f".{model.id}-") as unfinished:
        folder = Path(unfinished) / model.id
        folder.mkdir()
        source = f"{hub}/{model.repository}/resolve/{model.revision}"
        fetch(f"{source}/config.json", folder / "config.json")
        model_type(folder)  # refuses a kind that is not read before its weights are fetched
        fetch(f"{source}/tokenizer.json", folder / "tokenizer.json")
        fetch(f"{source}/model.safetensors", folder / "model.safetensors")
        verify(folder / "model.safetensors", model.sha256)
        load_model(folder)
        if model.folder.exists():
            model.folder.rename(Path(unfinished) / "old")
        folder.rename(model.folder)


def fetch(url: str, file: Path) -> None:
    """Write what an address gives into a file.

    Raises:
        ValueError: If it gives nothing, or less than it promised.
    """
    try:
        with urlopen(url, timeout=TIMEOUT) as answer, file.open("wb") as target:
            shutil.copyfileobj(answer, target, 1 << 20)
            promised = answer.headers["Content-Length"]
    except HTTPError as error:
        raise ValueError(f"{url} answers {error.code} {error.reason}") from error
    except (URLError, HTTPException, OSError) as error:
        raise ValueError(f"{url} does not answer: {error}") from error
    size = file.stat().st_size
    if promised is not None and size != int(promised):
        raise ValueError(f"{url} broke off after {size:,} of {int(promised):,} bytes")
    print(f"{file.name}: {size:,} bytes")


def main(arguments: list[str], settings: Path = SETTINGS, hub: str = HUB) -> str | None:
    """Download the model of one id.

    Returns:
        What went wrong, or None.
    """
    try:
        models = listed_models(settings)
        if len(arguments) != 1 or arguments[0] not in models:
            ids = ", ".join(models) or f"none; list models in {settings.name} first"
            return f"Say which model: make model ID=… Listed: {ids}"
        model = models[arguments[0]]
        download(model, hub)
    except ValueError as error:
        return f"Not downloaded: {error}"
    print(f"{model.label} is in {model.folder}")
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
