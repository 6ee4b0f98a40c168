"""The reference for our models: every quantity inside Hugging Face's, under our names."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import sqrt
from pathlib import Path
from unittest.mock import patch

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import BertProcessing, ByteLevel
from torch import Tensor
from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel, GPT2Model

from core.decoder import DecoderTrace
from core.encoder import EncoderTrace
from core.tokenization import train_tokenizer

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PIECES = ["the", "cat", "sat", "on", "a", "mat", "dog", "##s", "##ting", "it", "is", ".", ","]
END_OF_TEXT = "<|endoftext|>"


def load_bert(folder) -> BertModel:
    return BertModel.from_pretrained(folder, attn_implementation="eager").eval()


def load_gpt2(folder) -> GPT2Model:
    return GPT2Model.from_pretrained(folder, attn_implementation="eager").eval()


def save_small_bert(folder: Path) -> Path:
    """Write a small BERT with random weights and a WordPiece tokenizer; all its sizes differ."""
    config = BertConfig(
        vocab_size=len(SPECIAL) + len(PIECES) + 5,
        max_position_embeddings=17,
        type_vocab_size=2,
        hidden_size=35,
        num_attention_heads=5,
        num_hidden_layers=3,
        intermediate_size=53,
        layer_norm_eps=1e-6,
        initializer_range=0.5,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        bert = BertModel(config)
        for parameter in bert.parameters():  # biases and norms too, which start as 0 and 1
            parameter.data += 0.3 * torch.randn(parameter.shape)
    bert.save_pretrained(folder)
    vocabulary = {piece: number for number, piece in enumerate(SPECIAL + PIECES)}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer()
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def save_small_gpt2(folder: Path, **sizes) -> Path:
    """Write a small GPT-2 with random weights and a byte-level tokenizer; all its sizes differ."""
    small = {"n_positions": 41, "n_embd": 35, "n_head": 5, "n_layer": 3, "n_inner": 53}
    config = GPT2Config(vocab_size=293, initializer_range=0.3, **(small | sizes))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        gpt2 = GPT2LMHeadModel(config)
        for parameter in gpt2.parameters():  # biases and norms too, which start as 0 and 1
            parameter.data += 0.2 * torch.randn(parameter.shape)
    gpt2.save_pretrained(folder)
    corpus = "the cat sat on a mat. the cat sat on the dog. the cat, the dog and 猫"
    tokenizer = train_tokenizer(corpus, 281, "byte-bpe")
    tokenizer.post_processor = ByteLevel(trim_offsets=False)
    tokenizer.add_special_tokens([END_OF_TEXT])
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


class Catch:
    """What the modules of a model take in and give out while it reads one text."""

    def __init__(self, n_heads: int) -> None:
        self.n_heads = n_heads
        self.found: dict[str, Tensor] = {}
        self.hooks: list = []

    def __call__(self, module, name, *, split=False, inputs=False) -> None:
        def hook(_, given, result):
            value = given if inputs else result
            value = (value[0] if isinstance(value, tuple) else value)[0]  # the one text
            self.found[name] = self.heads(value) if split else value

        self.hooks.append(module.register_forward_hook(hook))

    def heads(self, value: Tensor) -> Tensor:
        return value.unflatten(-1, (self.n_heads, -1)).transpose(-3, -2)

    def release(self) -> None:
        for hook in self.hooks:
            hook.remove()


@contextmanager
def entering_softmax() -> Iterator[list[Tensor]]:
    """Keep what each block's softmax takes in."""
    entering: list[Tensor] = []
    softmax = torch.nn.functional.softmax

    def listening_softmax(scores, *args, **kwargs):
        entering.append(scores[0])
        return softmax(scores, *args, **kwargs)

    with patch("torch.nn.functional.softmax", listening_softmax):
        yield entering


@torch.no_grad()
def bert_quantities(bert: BertModel, token_ids) -> dict[str, Tensor]:
    """Run BERT on one text; catch what each of its modules takes in and gives out."""
    catch = Catch(bert.config.num_attention_heads)
    found, table = catch.found, bert.embeddings
    catch(table.word_embeddings, "embeddings.token")
    catch(table.position_embeddings, "embeddings.position")
    catch(table.token_type_embeddings, "embeddings.segment")
    catch(table.LayerNorm, "embeddings.sum", inputs=True)
    catch(table, "embeddings.output")
    for number, layer in enumerate(bert.encoder.layer):
        attention, block = layer.attention, f"blocks.{number}"
        catch(layer, f"{block}.input", inputs=True)
        catch(attention.self.query, f"{block}.attention.q", split=True)
        catch(attention.self.key, f"{block}.attention.k", split=True)
        catch(attention.self.value, f"{block}.attention.v", split=True)
        catch(attention.output.dense, f"{block}.attention.output", split=True, inputs=True)
        catch(attention.output.dense, f"{block}.attention_update")
        catch(attention.output.LayerNorm, f"{block}.attention_sum", inputs=True)
        catch(attention, f"{block}.attention_output")
        catch(layer.intermediate.dense, f"{block}.hidden")
        catch(layer.intermediate, f"{block}.activations")
        catch(layer.output.dense, f"{block}.feed_forward_update")
        catch(layer.output.LayerNorm, f"{block}.feed_forward_sum", inputs=True)
        catch(layer, f"{block}.output")

    with entering_softmax() as entering:
        result = bert(torch.tensor([token_ids]), output_attentions=True)
    catch.release()

    for number, (scores, weights) in enumerate(zip(entering, result.attentions, strict=True)):
        attention = f"blocks.{number}.attention"
        q, k = found[f"{attention}.q"], found[f"{attention}.k"]
        found[f"{attention}.raw_scores"] = torch.einsum("hqd,hkd->hqk", q, k)
        found[f"{attention}.scaled_scores"] = scores
        found[f"{attention}.scores"] = found[f"{attention}.raw_scores"] / sqrt(q.shape[-1])
        found[f"{attention}.weights"] = weights[0]
    return found


@torch.no_grad()
def gpt2_quantities(gpt2: GPT2Model, token_ids) -> dict[str, Tensor]:
    """Run GPT-2 on one text; catch what each of its modules takes in and gives out."""
    catch = Catch(gpt2.config.n_head)
    found = catch.found
    catch(gpt2.wte, "embeddings.token")
    catch(gpt2.wpe, "embeddings.position")
    catch(gpt2.drop, "embeddings.output")
    for number, layer in enumerate(gpt2.h):
        block = f"blocks.{number}"
        catch(layer, f"{block}.input", inputs=True)
        catch(layer.ln_1, f"{block}.attention_input")
        catch(layer.attn.c_attn, f"{block}.qkv")
        catch(layer.attn.c_proj, f"{block}.attention.output", split=True, inputs=True)
        catch(layer.attn, f"{block}.attention_update")
        catch(layer.ln_2, f"{block}.attention_sum", inputs=True)
        catch(layer.ln_2, f"{block}.feed_forward_input")
        catch(layer.mlp.c_fc, f"{block}.hidden")
        catch(layer.mlp.act, f"{block}.activations")
        catch(layer.mlp, f"{block}.feed_forward_update")
        catch(layer, f"{block}.output")

    with entering_softmax() as entering:
        result = gpt2(torch.tensor([token_ids]), output_attentions=True)
    catch.release()

    found["output"] = result.last_hidden_state[0]
    for number, (scores, weights) in enumerate(zip(entering, result.attentions, strict=True)):
        attention = f"blocks.{number}.attention"
        q, k, v = map(catch.heads, found.pop(f"blocks.{number}.qkv").chunk(3, dim=-1))
        found |= {f"{attention}.q": q, f"{attention}.k": k, f"{attention}.v": v}
        found[f"{attention}.raw_scores"] = torch.einsum("hqd,hkd->hqk", q, k)
        found[f"{attention}.scaled_scores"] = found[f"{attention}.raw_scores"] / sqrt(q.shape[-1])
        forbidden = scores < -1e30  # it adds the lowest number there is instead of -inf
        found[f"{attention}.scores"] = scores.masked_fill(forbidden, float("-inf"))
        found[f"{attention}.weights"] = weights[0]
    return found


def trace_quantities(trace: EncoderTrace | DecoderTrace) -> dict[str, Tensor]:
    """Lay out a trace of ours under the same names."""
    found = {f"embeddings.{name}": value for name, value in vars(trace.embeddings).items()}
    for number, block in enumerate(trace.blocks):
        for name, value in vars(block).items():
            if name == "attention":
                inner = vars(value).items()
                found |= {f"blocks.{number}.attention.{part}": tensor for part, tensor in inner}
            else:
                found[f"blocks.{number}.{name}"] = value
    return found | ({"output": trace.output} if isinstance(trace, DecoderTrace) else {})


def largest_deviation(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> float:
    """Compare all tensors; each difference as a share of the tensor's largest absolute value.

    Where one is -inf, so must be the other.
    """
    assert ours.keys() == theirs.keys()
    assert all(ours[name].shape == reference.shape for name, reference in theirs.items())
    deviations = []
    for name, reference in theirs.items():
        forbidden = reference.isneginf()
        assert torch.equal(ours[name].isneginf(), forbidden)
        found, expected = (x.masked_fill(forbidden, 0) for x in (ours[name], reference))
        deviations.append((found - expected).abs().max() / expected.abs().max().clamp_min(1e-30))
    return float(torch.stack(deviations).max())
