import pytest
import torch

from core.encoder import Encoder
from core.pretrained import load_encoder
from tests.core.hugging_face import save_small_bert


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """The bundled model."""
    return load_encoder()


@pytest.fixture
def small_folder(tmp_path):
    """A small BERT with random weights in a folder."""
    return save_small_bert(tmp_path)


@pytest.fixture
def elsewhere(small_folder):
    """A trace whose tensors are on PyTorch's "meta" device, which computes shapes only.

    A function that mixes it with the CPU fails, as it would with a GPU: so this is found anywhere.
    """
    moved = load_encoder(small_folder).to("meta")
    return moved, moved.trace("the dogs sat on the mat, it is the cat")
