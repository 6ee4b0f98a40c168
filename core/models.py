"""Other models than the bundled one: the operator's list of them, models.toml.

One table per model; its name is the id by which a visitor chooses. A model lies in a folder, or it
is downloaded from the hub once, by `make model ID=…` (core/download_model.py):

    [gpt2]
    label = "GPT-2 small"
    repository = "openai-community/gpt2"
    revision = "607a30d783dfa663caf39e06633721c8d4cfcd7e"
    sha256 = "248dfc3911869ec493c76e65bf2fcf7f615828b0254c12b473182f0f81d3a707"

    [ours]
    label = "Our own BERT"
    folder = "/srv/models/ours"
    sha256 = "…"

`sha256` is that of model.safetensors. Without the file there is the bundled model alone.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.pretrained import load_model, load_reader
from core.tokenization import Reader

if TYPE_CHECKING:
    from core.decoder import Decoder
    from core.encoder import Encoder

SETTINGS = Path(__file__).parents[1] / "models.toml"
BUNDLED = "minilm"  # the id of the bundled model, which needs no table
RULES = {
    "label": (r"\S[^\x00-\x1f\x7f]{0,59}", "1 to 60 characters on one line"),
    "folder": (r"[^\x00]+", "the path of a folder"),
    "repository": (r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", "owner/name on the hub"),
    "revision": (r"[0-9a-f]{40}", "40 digits of 0-9, a-f: a commit, which cannot change"),
    "sha256": (r"[0-9a-f]{64}", "64 digits of 0-9, a-f, as sha256sum prints"),
}
ID = r"[a-z0-9][a-z0-9-]{0,39}"


@dataclass(frozen=True)
class ListedModel:
    """A model that the operator lists; what visitors see of it is its id and its label."""

    id: str
    label: str
    folder: Path
    sha256: str
    repository: str | None = None  # where its files come from; None: put there by the operator
    revision: str | None = None

    def load_reader(self) -> Reader:
        """Load the tokenizer alone; needs no PyTorch.

        Raises:
            ValueError: If the model is not there, or cannot be read.
        """
        self.require_folder()
        return load_reader(self.folder)

    def load(self) -> Encoder | Decoder:
        """Load the model, ready to read.

        Raises:
            ValueError: If it is not there, changed, or cannot be read.
        """
        self.require_folder()
        return load_model(self.folder, self.sha256)

    def require_folder(self) -> None:
        """Say what to do about a model that is not there.

        Raises:
            ValueError: If its folder does not exist.
        """
        if not self.folder.is_dir():
            cure = f"; run make model ID={self.id}" if self.repository else ""
            raise ValueError(f"the model {self.id!r} is not in folder={self.folder}{cure}")


def listed_models(settings: Path = SETTINGS) -> dict[str, ListedModel]:
    """Read the operator's list: id -> model, in the order of the file; empty without a file.

    Args:
        settings: The file. Folders in it are meant from where it lies; downloads go to
            models/<id> beside it.

    Raises:
        ValueError: If a table is not as it should be.
    """
    if not settings.is_file():
        return {}
    try:
        tables = tomllib.loads(settings.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{settings.name} is not valid TOML: {error}") from error
    models = {name: listed_model(name, table, settings) for name, table in tables.items()}
    labels = [model.label for model in models.values()]
    if twice := {label for label in labels if labels.count(label) > 1}:
        raise ValueError(f"{settings.name}: label={min(twice)!r} stands for two models")
    return models


def listed_model(name: str, table: Any, settings: Path) -> ListedModel:
    """Read one table of the list.

    Raises:
        ValueError: If it is not as it should be.
    """
    where = f"{settings.name}, [{name}]"
    if not re.fullmatch(ID, name) or name == BUNDLED:
        raise ValueError(f"{where}: an id is 1 to 40 of a-z, 0-9 and -, and not {BUNDLED!r}")
    if not isinstance(table, dict):
        raise ValueError(f"{where}: a model is a table, not {table!r}")
    origin = {"repository", "revision"} if "repository" in table else {"folder"}
    expected = {"label", "sha256", *origin}
    if table.keys() != expected:
        raise ValueError(
            f"{where} says {', '.join(sorted(table)) or 'nothing'}; a model has label, sha256, "
            "and either folder, or repository and revision"
        )
    for key, value in table.items():
        rule, meaning = RULES[key]
        if not isinstance(value, str) or not re.fullmatch(rule, value, re.ASCII):
            raise ValueError(f"{where}: {key}={value!r} is not {meaning}")
    folder = settings.parent / table.get("folder", f"models/{name}")
    return ListedModel(name, **{**table, "folder": folder})
