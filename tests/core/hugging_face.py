"""The reference for the encoder: every quantity inside Hugging Face's BERT, under our names."""

from math import sqrt
from unittest.mock import patch

import torch
from torch import Tensor
from transformers import BertModel

from core.encoder import EncoderTrace


def load_bert(folder) -> BertModel:
    return BertModel.from_pretrained(folder, attn_implementation="eager").eval()


@torch.no_grad()
def bert_quantities(bert: BertModel, token_ids) -> dict[str, Tensor]:
    """Run BERT on one text; catch what each of its modules takes in and gives out."""
    found: dict[str, Tensor] = {}
    heads = bert.config.num_attention_heads

    def catch(module, name, *, split=False, inputs=False):
        def hook(_, given, result):
            value = given if inputs else result
            value = (value[0] if isinstance(value, tuple) else value)[
                0
            ]  # the one text in the batch
            found[name] = value.unflatten(-1, (heads, -1)).transpose(-3, -2) if split else value

        hooks.append(module.register_forward_hook(hook))

    hooks: list = []
    table = bert.embeddings
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

    entering: list[Tensor] = []  # what each block's softmax takes in
    softmax = torch.nn.functional.softmax

    def listening_softmax(scores, *args, **kwargs):
        entering.append(scores[0])
        return softmax(scores, *args, **kwargs)

    with patch("torch.nn.functional.softmax", listening_softmax):
        result = bert(torch.tensor([token_ids]), output_attentions=True)
    for hook in hooks:
        hook.remove()

    for number, (scores, weights) in enumerate(zip(entering, result.attentions, strict=True)):
        attention = f"blocks.{number}.attention"
        q, k = found[f"{attention}.q"], found[f"{attention}.k"]
        found[f"{attention}.raw_scores"] = torch.einsum("hqd,hkd->hqk", q, k)
        found[f"{attention}.scaled_scores"] = scores
        found[f"{attention}.scores"] = found[f"{attention}.raw_scores"] / sqrt(q.shape[-1])
        found[f"{attention}.weights"] = weights[0]
    return found


def trace_quantities(trace: EncoderTrace) -> dict[str, Tensor]:
    """Lay out a trace of ours under the same names."""
    found = {f"embeddings.{name}": value for name, value in vars(trace.embeddings).items()}
    for number, block in enumerate(trace.blocks):
        for name, value in vars(block).items():
            if name == "attention":
                inner = vars(value).items()
                found |= {f"blocks.{number}.attention.{part}": tensor for part, tensor in inner}
            else:
                found[f"blocks.{number}.{name}"] = value
    return found


def largest_deviation(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> float:
    """Compare all tensors; each difference as a share of the tensor's largest absolute value."""
    assert ours.keys() == theirs.keys()
    assert all(ours[name].shape == reference.shape for name, reference in theirs.items())
    return max(
        float((ours[name] - reference).abs().max() / reference.abs().max().clamp_min(1e-30))
        for name, reference in theirs.items()
    )
