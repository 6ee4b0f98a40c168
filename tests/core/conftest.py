import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import BertProcessing
from transformers import BertConfig, BertModel

from core.encoder import Encoder
from core.pretrained import load_encoder

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PIECES = ["the", "cat", "sat", "on", "a", "mat", "dog", "##s", "##ting", "it", "is", ".", ","]


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """The bundled model."""
    return load_encoder()


@pytest.fixture
def small_folder(tmp_path):
    """A small BERT with random weights in a folder; all its sizes differ."""
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
    bert.save_pretrained(tmp_path)
    vocabulary = {piece: number for number, piece in enumerate(SPECIAL + PIECES)}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer()
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


@pytest.fixture
def elsewhere(small_folder):
    """A trace whose tensors are on PyTorch's "meta" device, which computes shapes only.

    A function that mixes it with the CPU fails, as it would with a GPU: so this is found anywhere.
    """
    moved = load_encoder(small_folder).to("meta")
    return moved, moved.trace("the dogs sat on the mat, it is the cat")
