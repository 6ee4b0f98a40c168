"""The trained translators of the page rnn_memory: their files, and the log of their training.

`make train-labs` (core/train_labs.py) writes both; weights are kept in float16, and everything the
log says of their accuracy was measured after that rounding.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save

from core.seq2seq import Kind, Seq2SeqConfig, Translator, empty

FOLDER = Path(__file__).parents[1] / "assets/weights/rnn_memory"


def load_log(folder: Path = FOLDER) -> dict[str, Any]:
    """Read what was trained, how it went, and how good the result is.

    Returns:
        `settings`; `sha256`, a checksum per file of weights; `runs`, one entry per translator
        with its `name`, `seed`, `seconds` (of one core), `losses` (every `loss_every` steps),
        `curve` (accuracy on `curve_lengths`, every `curve_every` steps) and `accuracy` (by length).
    """
    return json.loads((folder / "log.json").read_text(encoding="utf-8"))


def load_translators(
    kind: Kind, config: Seq2SeqConfig, sha256: str, folder: Path = FOLDER
) -> list[Translator]:
    """Load the trained translators of one kind, one per seed, ready to translate.

    Raises:
        ValueError: If the file is not the one whose checksum is given.
    """
    content = weights_file(kind, folder).read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ValueError(
            f"{kind}.safetensors is not the file of the log: its sha256 is {found}, not {sha256}; "
            "fetch it again, or run make train-labs"
        )
    stacked = {name: tensor.float() for name, tensor in load(content).items()}
    n_seeds = len(next(iter(stacked.values())))
    return [
        with_weights(kind, config, {name: tensor[seed] for name, tensor in stacked.items()})
        for seed in range(n_seeds)
    ]


def save_translators(
    kind: Kind, weights: Sequence[dict[str, torch.Tensor]], folder: Path = FOLDER
) -> str:
    """Write the translators of one kind into one file, and return its sha256."""
    content = save(
        {name: torch.stack([of_seed[name] for of_seed in weights]).half() for name in weights[0]}
    )
    folder.mkdir(parents=True, exist_ok=True)
    weights_file(kind, folder).write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def weights_file(kind: Kind, folder: Path) -> Path:
    """Name the file of one kind."""
    return folder / f"{kind}.safetensors"


def with_weights(kind: Kind, config: Seq2SeqConfig, weights: dict[str, torch.Tensor]) -> Translator:
    """Make a translator of given weights, for reading only."""
    with torch.device("meta"):
        translator = empty(kind, config)
    translator.load_state_dict(weights, assign=True)
    return translator.eval().requires_grad_(False)
