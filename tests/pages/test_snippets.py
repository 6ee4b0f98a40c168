"""Every script for the learner runs alone and prints the numbers that its page shows."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from core.encoder import Ablation
from core.number_words import english
from core.positional_encoding import compare_word_orders
from core.pretrained import load_encoder
from core.sequential_cost import count_cost
from pages.ui.cached import embeddings, rnn_memory, transformer, vanishing_gradients
from pages.ui.snippet import filled
from tests.browser.conftest import ROOT

SENTENCES = (
    "The animal didn't cross the street because it was too tired.",
    "Zoë's 🦜 said: \"it's \\n '''no''' {x}\"",
    "word " * 200,
)


@pytest.fixture(scope="module")
def encoder():
    return load_encoder()


def printed(topic: str, folder: Path, **constants: object) -> list[str]:
    """Run a script in a process that cannot see this course, and give the lines that it prints."""
    script = filled((ROOT / f"assets/snippets/{topic}.py").read_text(), **constants)
    file = folder / "script.py"
    file.write_text(script, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-I", "-X", "utf8", file],
        cwd=folder, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.parametrize("sentence", SENTENCES)
def test_tokenization(encoder, tmp_path, sentence):
    trace = encoder.trace(sentence)
    pairs = zip(trace.tokens, trace.token_ids, strict=True)
    assert printed("tokenization", tmp_path, SENTENCE=sentence) == [f"{t} {i}" for t, i in pairs]


@pytest.mark.parametrize("sentence", [*SENTENCES, ""])
def test_vanishing_gradients(tmp_path, sentence):
    shown = vanishing_gradients.sentence_reach(sentence.strip())
    lines = printed("vanishing_gradients", tmp_path, SENTENCE=sentence)[1:]
    columns = [shown.decades[name] for name in ("tanh RNN", "LSTM", "LSTM, bias 3")]
    assert len(lines) == len(shown.tokens)
    for line, *decades in zip(lines, *columns, strict=True):
        values = [float(value) for value in line.split()[-3:]]
        assert values == pytest.approx([10**value for value in decades], rel=2e-3, abs=1e-40)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_encoder(encoder, tmp_path, sentence):
    trace = encoder.trace(sentence)
    start = trace.embeddings.output
    turned = [torch.cosine_similarity(block.output, start, dim=-1) for block in trace.blocks]
    expected = torch.stack([start.norm(dim=-1), *turned], dim=1)
    lines = [line.rsplit(" ", 7) for line in printed("encoder", tmp_path, SENTENCE=sentence)]
    assert [token for token, *_ in lines] == list(trace.tokens)
    for line, numbers in zip(lines, expected.tolist(), strict=True):
        assert list(map(float, line[1:])) == pytest.approx(numbers, abs=2e-3)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_sentence_meaning(encoder, tmp_path, sentence):
    vectors, other = (encoder.trace(text).output for text in (sentence, SENTENCES[1]))
    mean, mean_of_other = vectors.mean(dim=0), other.mean(dim=0)
    shares = vectors @ mean / (len(vectors) * mean @ mean)
    *lines, last = printed("sentence_meaning", tmp_path, SENTENCE=sentence, OTHER=SENTENCES[1])
    found = [float(line.rpartition(" ")[2]) for line in lines]
    assert found == pytest.approx(shares.tolist(), abs=2e-4)
    cosine = torch.cosine_similarity(mean, mean_of_other, dim=0).item()
    assert last.startswith("cosine ")
    assert float(last[7:]) == pytest.approx(cosine, abs=2e-4)


@pytest.mark.parametrize(("number", "seed"), [(12_345_678, 0), (999_999_999_999, 4), (0, 2)])
def test_rnn_memory(tmp_path, number, seed):
    source = " ".join(english(number))
    lines = printed("rnn_memory", tmp_path, SOURCE=source, SEED=seed)
    assert [line.split()[0] for line in lines] == source.split()
    shown = rnn_memory.reach(number, seed).fresh
    assert [float(line.split()[1]) for line in lines] == pytest.approx(shown, rel=1e-3)


@pytest.mark.parametrize(("width", "batch"), [(64, 1), (128, 4)])
def test_sequential_cost(tmp_path, width, batch):
    lines = printed("sequential_cost", tmp_path, WIDTH=width, BATCH=batch, LENGTHS=(16, 64))
    assert len(lines) == 4
    for line in lines:
        layer, length, path, operations, _ = re.fullmatch(
            r"(.+), (\d+) tokens: (\d+) products in the queue, (\d+) operations, (.+) ms", line
        ).groups()
        counted = count_cost(layer, int(length), width, batch)
        assert (int(path), int(operations)) == (counted.path, counted.operations)


@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize("word", ["dog", "unhappiness"])
def test_embeddings(encoder, tmp_path, sentence, word):
    trace = encoder.trace(sentence)
    place = len(trace.tokens) - 2
    first, *lines = printed("embeddings", tmp_path, SENTENCE=sentence, PLACE=place, WORD=word)
    assert first == f"{trace.tokens[place]} {trace.token_ids[place]}"
    rows = embeddings.embedding_rows(sentence, place)
    near = embeddings.neighbours(word)
    names, numbers = zip(*(line.split() for line in lines), strict=True)
    assert names == ("token", "position", "segment", "sum", "output", *near.tokens[:12])
    expected = [*(rows**2).sum(axis=1) ** 0.5, *near.cosines[:12]]
    assert list(map(float, numbers)) == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_positional_encoding(encoder, tmp_path, sentence):
    orders = ("The student is eating an apple", "An apple is eating the student")
    with_positions, without, *lines = printed(
        "positional_encoding", tmp_path, SENTENCE=sentence, FIRST=orders[0], SECOND=orders[1]
    )
    for line, ablation in ((with_positions, Ablation()), (without, Ablation(positions=False))):
        traces = (encoder.trace(text, ablation) for text in orders)
        expected = compare_word_orders(*traces)
        _, difference, cosine = line.split()
        assert float(difference) == pytest.approx(expected.mean_difference[-1].item(), abs=2e-6)
        assert float(cosine) == pytest.approx(expected.mean_cosine[-1].item(), abs=1e-4)
    trace = encoder.trace(sentence)
    norms = (trace.embeddings.token.norm(dim=-1), trace.embeddings.position.norm(dim=-1))
    for place, line in enumerate(lines):
        token, word, position, found, found_place = line.split()
        assert token == found == trace.tokens[place]
        assert int(found_place) == place
        assert float(word) == pytest.approx(norms[0][place].item(), abs=1e-4)
        assert float(position) == pytest.approx(norms[1][place].item(), abs=1e-4)
    assert len(lines) == len(trace.tokens)


@pytest.mark.parametrize("sentence", [SENTENCES[0], SENTENCES[1], ""])
def test_transformer(tmp_path, sentence):
    lines = printed("transformer", tmp_path, SENTENCE=sentence)
    shares = [float(line.split(": ")[1]) for line in lines[:6]]
    assert shares == pytest.approx(transformer.later_shares(sentence), abs=2e-4)
    found = transformer.paths(sentence).decades
    assert len(lines) == 6 + len(transformer.LENGTHS)
    for line, length in zip(lines[6:], transformer.LENGTHS, strict=True):
        n, encoder, steps = re.fullmatch(
            r"(\d+) tokens: (\S+) through the encoder, (\S+) through tanh RNNs", line
        ).groups()
        assert int(n) == length
        expected = [10 ** found[name][length][-1] for name in (transformer.ENCODER, "tanh RNN")]
        assert float(encoder) == pytest.approx(expected[0], rel=2e-3, abs=1e-4)
        assert float(steps) == pytest.approx(expected[1], rel=2e-3)


@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize(("block", "head"), [(4, 2), (6, 12)])
def test_self_attention(encoder, tmp_path, sentence, block, head):
    trace = encoder.trace(sentence)
    lines = printed("self_attention", tmp_path, SENTENCE=sentence, BLOCK=block, HEAD=head)
    assert len(lines) == len(trace.tokens)
    for line, token, row in zip(
        lines, trace.tokens, trace.weights[block - 1, head - 1].tolist(), strict=True
    ):
        name, *numbers = line.split()
        assert name == token
        assert list(map(float, numbers)) == pytest.approx(row, abs=2e-4)


@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize("causal", [False, True])
def test_scaled_dot_product(encoder, tmp_path, sentence, causal):
    trace = encoder.trace(sentence)
    *lines, last = printed(
        "scaled_dot_product", tmp_path,
        SENTENCE=sentence, BLOCK=2, HEAD=5, QUERY=3, CAUSAL=causal,
    )  # fmt: skip
    found = torch.tensor([list(map(float, line.split()[1:])) for line in lines])
    assert [line.split()[0] for line in lines] == list(trace.tokens)
    head = trace.blocks[1].attention
    products, scaled = head.raw_scores[4, 2], head.scaled_scores[4, 2]
    later = torch.arange(len(lines)) > 2
    scores = scaled.masked_fill(later, -torch.inf) if causal else scaled
    expected = torch.stack([products, scaled, scores, scores.softmax(dim=0)], dim=1)
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=1e-3)
    assert float(last.rpartition(" ")[2]) < 1e-4


def test_no_script_knows_this_course():
    for script in ROOT.glob("assets/snippets/*.py"):
        source = script.read_text()
        assert not any(
            f"{word} {name}" in source
            for word in ("import", "from")
            for name in ("core", "pages", "streamlit")
        )
        assert 15 <= len(source.splitlines()) <= 80
