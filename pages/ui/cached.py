"""Cached calls: the only caches of the app. Keys are text and small numbers.

Everything cached is shared by all visitors and must not be changed. PyTorch is imported by the
calls that need it: tokens are on screen a second before.
"""

from __future__ import annotations

import gc
import inspect
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from itertools import combinations, product
from operator import attrgetter
from pathlib import Path
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st
import yaml

from core.merges import LearnedMerge, learn_merges
from core.pieces import Cut, byte_label, cut_into, cut_into_tokens, piece_ids, visible
from core.pretrained import load_encoder, load_reader
from core.tokenization import (
    MergeStep,
    Reader,
    Reading,
    replay_merges,
    starting_pieces,
    train_tokenizer,
    word_counts,
)
from core.tokenization import normalized as normalized_by
from pages.ui.text import LessonText, parse_lesson

if TYPE_CHECKING:
    from torch import Tensor

    from core.attention import AttentionTrace
    from core.embeddings import MisleadingPair
    from core.encoder import Ablation, Encoder, EncoderTrace
    from core.heads import PronounTrace
    from core.scaling import ScalingTrace, SoftmaxStatistics

AT_ONCE = BoundedSemaphore(2)  # readings that may be computed at the same time, one per core
ASSETS = Path(__file__).parents[2] / "assets"


@st.cache_resource(show_spinner=False)
def sample_sentences() -> dict[str, str]:
    """Read the sample sentences: text -> the reason why it is interesting."""
    samples = yaml.safe_load((ASSETS / "data/sentences.yaml").read_text(encoding="utf-8"))
    return {sample["text"]: sample["why"] for sample in samples}


@st.cache_resource(show_spinner=False)
def lesson_text(name: str) -> LessonText:
    """Read the text of a lesson."""
    return parse_lesson((ASSETS / f"lessons/{name}.md").read_text(encoding="utf-8"))


@st.cache_resource(show_spinner=False)
def source(module: str, name: str) -> str:
    """Read the source of a function: `core.attention`, `SelfAttention.forward`."""
    function = attrgetter(name)(import_module(module))
    return inspect.getsource(inspect.unwrap(function))


@st.cache_resource(show_spinner=False)
def reader() -> Reader:
    """Load the tokenizer of the reading model."""
    return load_reader()


@st.cache_resource(max_entries=1_000, show_spinner=False)
def reading(text: str) -> Reading:
    """Cut a text into the tokens that the model reads."""
    return reader().read(text)


@st.cache_resource(show_spinner=False)
def encoder() -> Encoder:
    """Load the reading model, and set the process up to serve a class with it."""
    import torch

    torch.set_num_threads(1)  # two threads on two busy cores made small operations 20 times slower
    loaded = load_encoder()
    gc.collect()
    gc.freeze()  # what is imported by now is never collected: no need to look at it again and again
    return loaded


@st.cache_resource(max_entries=64, show_spinner=False)
def encoder_trace(text: str, ablation: Ablation | None = None) -> EncoderTrace:
    """Read a text with the model: one pass, shared by every page and visitor."""
    with AT_ONCE:
        return encoder().trace(text, ablation) if ablation else encoder().trace(text)


@st.cache_resource(max_entries=256, show_spinner=False)
def head_kinds(text: str) -> list[list[str]]:
    """Name what each head does on a text: one list per block."""
    from core import heads

    kinds = heads.head_kinds(encoder_trace(text)).kinds.tolist()
    return [[heads.KINDS[kind] for kind in block] for block in kinds]


@st.cache_resource(max_entries=256, show_spinner="Reading the sentence without each of its tokens")
def token_measures(text: str, block: int, head: int, token: int) -> np.ndarray:
    """Ask in four ways which tokens mattered for one token: (measure, token), rows sum to 1.

    The order is that of `pages.ui.figures.self_attention.MEASURES`; NaN where a token cannot be
    left out.
    """
    from core import attribution

    trace = encoder_trace(text)
    with AT_ONCE:
        measures = (
            trace.weights[block, head, token],
            attribution.attention_rollout(trace.weights)[-1, token],
            attribution.gradient_times_input(encoder(), trace, token),
            attribution.leave_one_out(encoder(), trace, token),
        )
    return np.stack([(row / row.nansum().clamp_min(1e-12)).numpy() for row in measures])


@st.cache_resource(show_spinner=False)
def pronoun_trace(first: str, second: str, pronoun: str, nouns: tuple[str, str]) -> PronounTrace:
    """Measure which noun a pronoun looks at in two sentences."""
    from core import heads

    return heads.compare_pronouns(encoder_trace(first), encoder_trace(second), pronoun, nouns)


class PronounScore(NamedTuple):
    """How the best head did on the pairs it was chosen by, beside luck, and on other pairs."""

    block: int
    head: int
    best: int
    n_pairs: int
    best_by_luck: float
    checked: int
    n_checked: int


@st.cache_resource(show_spinner=False)
def pronoun_score() -> PronounScore:
    """Count the pairs in which a head's weight moves the right way when the meaning changes.

    The head that is best on one list is tried on another: the best of 72 is lucky, too.
    """
    from core import heads

    search, check = (
        heads.evaluate_heads(
            encoder(), [heads.PronounPair(**pair) for pair in yaml.safe_load(text)]
        )
        for text in (
            (ASSETS / "data/pronouns.yaml").read_text(encoding="utf-8"),
            (ASSETS / "data/pronouns_check.yaml").read_text(encoding="utf-8"),
        )
    )
    n_right = search.n_leaning
    block, head = divmod(int(n_right.argmax()), n_right.shape[1])
    luck = heads.best_by_luck(n_right.numel(), len(search.leans), chance=0.5)
    return PronounScore(
        block,
        head,
        int(n_right.max()),
        len(search.leans),
        sum(k * chance for k, chance in enumerate(luck)),
        int(check.n_leaning[block, head]),
        len(check.leans),
    )


@st.cache_resource(max_entries=4_000, show_spinner=False)
def pieces(word: str) -> tuple[str, ...]:
    """Cut a word into tokens of the vocabulary; what stands there itself, as ##ing, stays whole."""
    tokenizer = reader().tokenizer
    if tokenizer.token_to_id(word) is not None:
        return (word,)
    return tuple(tokenizer.encode(word, add_special_tokens=False).tokens)


def word_vectors(words: Sequence[str]) -> Tensor:
    """Give each word its row of the table, or the mean row of its pieces: (word, d_model)."""
    import torch

    tokenizer, table = reader().tokenizer, encoder().embeddings.token
    rows = [[tokenizer.token_to_id(piece) for piece in pieces(word)] for word in words]
    return torch.stack([table[token_ids].mean(dim=0) for token_ids in rows])


@st.cache_resource(max_entries=256, show_spinner=False)
def embedding_rows(text: str, token: int) -> np.ndarray:
    """Follow one token into the model: (token, position, segment, sum, output; d_model)."""
    trace = encoder_trace(text).embeddings
    parts = (trace.token, trace.position, trace.segment, trace.sum, trace.output)
    return np.stack([part[token].numpy() for part in parts])


class Neighbours(NamedTuple):
    """Tokens whose rows lie nearest, nearest first, and their cosines."""

    tokens: tuple[str, ...]
    cosines: np.ndarray


def _nearest_tokens(vector: Tensor, n_rows: int) -> Neighbours:
    from core import embeddings

    rows, cosines = embeddings.nearest_rows(encoder().embeddings.token, vector, n_rows)
    name = reader().tokenizer.id_to_token
    return Neighbours(tuple(name(row) for row in rows.tolist()), cosines.numpy())


@st.cache_resource(max_entries=512, show_spinner=False)
def neighbours(word: str) -> Neighbours:
    """Find the 24 tokens nearest to a word, the word itself left out."""
    found = _nearest_tokens(word_vectors([word])[0], 25)
    others = [place for place, token in enumerate(found.tokens) if (token,) != pieces(word)][:24]
    return Neighbours(tuple(found.tokens[place] for place in others), found.cosines[others])


@st.cache_resource(max_entries=256, show_spinner=False)
def analogy(start: str, minus: str, plus: str) -> Neighbours:
    """Find the tokens nearest to start − minus + plus; the three words may be among them."""
    a, b, c = word_vectors([start, minus, plus])
    return _nearest_tokens(a - b + c, 8)


@st.cache_resource(show_spinner=False)
def random_cosines() -> np.ndarray:
    """Compare 10,000 random pairs of whole words (ASCII letters), always the same pairs."""
    import torch

    from core import embeddings

    vocabulary = reader().tokenizer.get_vocab().items()
    words = sorted(row for token, row in vocabulary if token.isascii() and token.isalpha())
    vectors = encoder().embeddings.token[words]
    generator = torch.Generator().manual_seed(0)
    return embeddings.random_cosines(vectors, 10_000, generator).numpy()


@st.cache_resource(max_entries=256, show_spinner=False)
def cosine_matrix(words: tuple[str, ...]) -> np.ndarray:
    """Compare the rows of all words: (word, word)."""
    from core import embeddings

    vectors = word_vectors(words)
    return embeddings.cosine_similarity(vectors, vectors).numpy()


class WordMap(NamedTuple):
    """Words on a map of their rows, each row scaled to length 1."""

    points: np.ndarray  # (word, axis)
    variance_shares: np.ndarray  # of each axis, in [0, 1]
    misleading: MisleadingPair


@st.cache_resource(max_entries=256, show_spinner=False)
def word_map(words: tuple[str, ...], n_axes: int) -> WordMap:
    """Draw words on few axes and find the pair that the map misstates most.

    Between vectors of length 1 distance and cosine say the same: ‖a − b‖² = 2 (1 − cos).
    """
    from core import embeddings

    vectors = word_vectors(words)
    vectors = vectors / vectors.norm(dim=-1, keepdim=True)
    projection = embeddings.principal_components(vectors, n_axes)
    return WordMap(
        projection.points.numpy(),
        projection.variance_shares.numpy(),
        embeddings.most_misleading_pair(projection.points, vectors),
    )


def _word_by_stage(text: str, word: str) -> Tensor | None:
    """Follow a word: in the table, with its position, after each block; (stage, d_model)."""
    from core import embeddings

    trace = encoder_trace(text)
    stages = [trace.embeddings.token, trace.embeddings.output]
    stages += [block.output for block in trace.blocks]
    return embeddings.word_by_stage(trace.tokens, pieces(word), stages)


@st.cache_resource(max_entries=256, show_spinner=False)
def cosine_by_stage(first: str, second: str, word: str) -> np.ndarray | None:
    """Compare a word in one text with the same word in another, stage by stage.

    None if one of the texts does not hold the word.
    """
    import torch

    vectors = [_word_by_stage(text, word) for text in (first, second)]
    if vectors[0] is None or vectors[1] is None:
        return None
    return torch.cosine_similarity(vectors[0], vectors[1], dim=-1).numpy()


class Meanings(NamedTuple):
    """Cosines of one word between ready sentences: (pair, stage)."""

    word: str
    same: np.ndarray
    different: np.ndarray


@st.cache_resource(show_spinner=False)
def meanings() -> Meanings:
    """Compare a word between sentences that mean the same by it, and that do not."""
    ready = yaml.safe_load((ASSETS / "data/meanings.yaml").read_text(encoding="utf-8"))
    one, other = ready["meanings"].values()
    same = [*combinations(one, 2), *combinations(other, 2)]
    different = list(product(one, other))
    cosines = [
        np.stack([cosine_by_stage(*pair, ready["word"]) for pair in pairs])
        for pairs in (same, different)
    ]
    return Meanings(ready["word"], *cosines)


@st.cache_resource(show_spinner=False)
def word_groups() -> dict[str, list[str]]:
    """Read the ready groups of words."""
    return yaml.safe_load((ASSETS / "data/word_groups.yaml").read_text(encoding="utf-8"))


MASKS = ("none", "causal", "padding")
Rows = tuple[tuple[float, ...], ...]  # a small matrix that was typed


def mask_for(name: str, length: int) -> Tensor | None:
    """Make a mask; for padding, as if the last quarter of the text only filled up a batch."""
    from core import attention

    if name == "causal":
        return attention.causal_mask(length)
    if name == "padding":
        return attention.padding_mask(length - length // 4, length)
    return None


@st.cache_resource(max_entries=64, show_spinner=False)
def head_attention(
    text: str, block: int, head: int, mask: str = "none", scale: bool = True, temperature: float = 1
) -> AttentionTrace:
    """Let one head attend again, with a mask, without scaling, or at another temperature."""
    from core.attention import scaled_dot_product_attention

    trace = encoder_trace(text).blocks[block].attention
    q, k, v = trace.q[head] / temperature, trace.k[head], trace.v[head]
    return scaled_dot_product_attention(q, k, v, mask_for(mask, len(q)), scale)


@st.cache_resource(max_entries=64, show_spinner=False)
def typed_attention(q: Rows, k: Rows, v: Rows, mask: str, scale: bool) -> AttentionTrace:
    """Attend with matrices that a learner typed."""
    import torch

    from core.attention import scaled_dot_product_attention

    tensors = (torch.tensor(rows) for rows in (q, k, v))
    return scaled_dot_product_attention(*tensors, mask_for(mask, len(q)), scale)


def fused_difference(trace: AttentionTrace, mask: str, scale: bool) -> float:
    """Measure how far PyTorch's fused attention is from the one shown: the largest difference."""
    from core.attention import fused_attention

    fused = fused_attention(trace.q, trace.k, trace.v, mask_for(mask, len(trace.q)), scale)
    return (fused - trace.output).abs().max().item()


@st.cache_resource(max_entries=64, show_spinner=False)
def scaling(n_keys: int, seed: int) -> ScalingTrace:
    """Watch softmax saturate as queries and keys grow wider."""
    import torch

    from core.scaling import compare_scaling

    with AT_ONCE:
        return compare_scaling(torch.Generator().manual_seed(seed), n_keys=n_keys)


def arrays(statistics: SoftmaxStatistics) -> dict[str, np.ndarray]:
    """Hand measured quantities to a figure: name -> one value per width."""
    return {name: tensor.numpy() for name, tensor in vars(statistics).items()}


@st.cache_resource(max_entries=64, show_spinner=False)
def output_gradients(
    text: str, block: int, head: int, query: int, dimension: int
) -> dict[str, np.ndarray]:
    """Follow one number of a head's output back to its queries, keys and values."""
    from core.scaling import output_gradients as gradients

    trace = encoder_trace(text).blocks[block].attention
    grads = gradients(trace.q[head], trace.k[head], trace.v[head], query, dimension)
    return {name: grad.numpy() for name, grad in zip("qkv", grads, strict=True)}


N_POSITIONS = 128  # as many as the model reads


class WordOrders(NamedTuple):
    """How far apart two orders of the same words are: (with positions, without; stage)."""

    token_distance: np.ndarray
    mean_cosine: np.ndarray
    mean_difference: np.ndarray


@st.cache_resource(max_entries=256, show_spinner=False)
def word_orders(first: str, second: str) -> WordOrders | None:
    """Compare two orders of the same words, with and without positions.

    None if the words are cut into other tokens in the other order.
    """
    from core.encoder import Ablation
    from core.positional_encoding import compare_word_orders

    if sorted(reading(first).tokens) != sorted(reading(second).tokens):
        return None
    both = [
        compare_word_orders(encoder_trace(first, ablation), encoder_trace(second, ablation))
        for ablation in (None, Ablation(positions=False))
    ]
    return WordOrders(
        np.stack([orders.token_distance.numpy() for orders in both]),
        np.stack([orders.mean_cosine.numpy() for orders in both]),
        np.stack([orders.mean_difference.numpy() for orders in both]),
    )


@st.cache_resource(max_entries=512, show_spinner=False)
def shuffled(text: str, seed: int) -> tuple[str, str]:
    """Give the part of a text that the model reads, and the same words in another order."""
    import torch

    from core.positional_encoding import shuffle_words

    read = text[: max(end for _, end in reading(text).offsets)]
    return read, shuffle_words(read, torch.Generator().manual_seed(seed))


@st.cache_resource(max_entries=64, show_spinner=False)
def sinusoidal_encoding(length: int, d_model: int, base: float) -> np.ndarray:
    """Write positions as sines and cosines: (position, dimension)."""
    from core import positional_encoding

    return positional_encoding.sinusoidal_encoding(length, d_model, base).numpy()


@st.cache_resource(max_entries=64, show_spinner=False)
def wavelengths(d_model: int, base: float) -> np.ndarray:
    """Measure after how many tokens each pair of dimensions starts again."""
    from core import positional_encoding

    return positional_encoding.wavelengths(d_model, base).numpy()


Profile = tuple[np.ndarray, np.ndarray, np.ndarray]  # mean, lowest, highest at distance 0, 1, 2 …


def _profile(vectors: Tensor) -> Profile:
    from core.positional_encoding import distance_profile

    profile = distance_profile(vectors @ vectors.T)
    ahead = profile.distances >= 0
    return tuple(part[ahead].numpy() for part in (profile.mean, profile.lowest, profile.highest))


@st.cache_resource(show_spinner=False)
def sinusoidal_products() -> Profile:
    """Multiply all pairs of sinusoidal positions as wide as the model's, by distance."""
    from core.positional_encoding import sinusoidal_encoding

    return _profile(sinusoidal_encoding(N_POSITIONS, encoder().config.d_model))


class Rotation(NamedTuple):
    """Some pairs of dimensions at a position, turned, and where they should arrive: (pair, 2)."""

    start: np.ndarray
    turned: np.ndarray
    target: np.ndarray
    wavelengths: np.ndarray
    error: float  # the largest, over all positions and dimensions
    n_entries: int


@st.cache_resource(max_entries=256, show_spinner=False)
def rotation(position: int, offset: int) -> Rotation:
    """Move all positions on by one rotation, and show eight pairs of dimensions of one."""
    from core import positional_encoding

    d_model = encoder().config.d_model
    rows = positional_encoding.sinusoidal_encoding(N_POSITIONS + offset, d_model)
    turned = rows[:N_POSITIONS] @ positional_encoding.relative_rotation(offset, d_model)
    pairs = slice(0, 128, 16)
    start, arrived, target = (
        row.unflatten(-1, (-1, 2))[pairs].numpy()
        for row in (rows[position], turned[position], rows[position + offset])
    )
    return Rotation(
        start,
        arrived,
        target,
        positional_encoding.wavelengths(d_model)[pairs].numpy(),
        (turned - rows[offset:]).abs().max().item(),
        turned.numel(),
    )


@st.cache_resource(show_spinner=False)
def learned_positions() -> np.ndarray:
    """Take the rows of the model's own table of positions: (position, d_model)."""
    return encoder().embeddings.position[:N_POSITIONS].numpy()


@st.cache_resource(show_spinner=False)
def position_cosines() -> dict[str, Profile]:
    """Compare all pairs of positions by distance, in the learned table and in the waves.

    Row 0, which only [CLS] ever gets, is left out of the learned table.
    """
    from torch.nn.functional import normalize

    from core.positional_encoding import sinusoidal_encoding

    model = encoder()
    return {
        "learned": _profile(normalize(model.embeddings.position[1 : N_POSITIONS + 1], dim=-1)),
        "waves": _profile(
            normalize(sinusoidal_encoding(N_POSITIONS, model.config.d_model), dim=-1)
        ),
    }


class RelativeScores(NamedTuple):
    """What encodings of the distance do to a score, for each distance from 0."""

    rotary: np.ndarray  # of a query that meets its equal, 1 at distance 0
    spread: float  # the largest difference between two places at the same distance
    slopes: np.ndarray  # of ALiBi's heads


@st.cache_resource(show_spinner=False)
def relative_scores() -> RelativeScores:
    """Compute rotary scores for heads as wide as the model's, and the slopes of ALiBi's 8 heads."""
    import torch

    from core.positional_encoding import alibi_slopes, rotary_scores, rotate

    config = encoder().config
    d_k = config.d_model // config.n_heads
    query = torch.full((d_k,), d_k**-0.5)
    positions = torch.arange(N_POSITIONS)
    _, lowest, highest = _profile(rotate(query.expand(N_POSITIONS, -1), positions))
    return RelativeScores(
        rotary_scores(query, query, positions).numpy(),
        float((highest - lowest).max()),
        alibi_slopes(8).numpy(),
    )


def embedding_norms(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Measure how long each token's row is, and how long the row of its position."""
    trace = encoder_trace(text).embeddings
    return trace.token.norm(dim=-1).numpy(), trace.position.norm(dim=-1).numpy()


UNITS = ("sentences", "words", "tokens", "characters", "bytes")
METHODS = {
    "WordPiece": "wordpiece",
    "BPE": "bpe",
    "Unigram": "unigram",
    "byte-level BPE": "byte-bpe",
}


def read_part(text: str) -> str:
    """Give the part of a text that the model reads, its first 128 tokens."""
    read = reading(text)
    return text[: max(end for _, end in read.offsets)] if read.n_left_out else text


def normalized(text: str) -> str:
    """Give a text as the model's vocabulary sees it: lower case, no accents."""
    return normalized_by(reader().tokenizer, text)


def token_cut(name: str, reader: Reader, text: str) -> Cut:
    """Cut a text into tokens; where it is changed first, they show the vocabulary's own spelling.

    A token that is only a share of a character keeps the label that says so.
    """
    cut = cut_into_tokens(name, reader, text)
    if reader.tokenizer.normalizer is None:
        return cut
    n_tokens = Counter(place for start, end in cut.offsets for place in range(start, end))
    labels = [
        label if any(n_tokens[place] > 1 for place in range(start, end)) else piece
        for label, piece, (start, end) in zip(cut.labels, cut.pieces, cut.offsets, strict=True)
    ]
    return replace(cut, labels=tuple(labels))


@st.cache_resource(show_spinner=False)
def alice() -> str:
    """Read the text from which the lesson learns vocabularies."""
    return (ASSETS / "data/alice.txt").read_text(encoding="utf-8")


@st.cache_resource(show_spinner=False)
def alice_ids(unit: str) -> dict[str, int]:
    """Number the different pieces of Alice."""
    return piece_ids(unit, alice())


@st.cache_resource(max_entries=256, show_spinner=False)
def cuts(text: str) -> dict[str, Cut]:
    """Cut a text into pieces of every size; tokens are the model's, other ids count Alice's."""
    return {
        unit: token_cut(unit, reader(), text)
        if unit == "tokens"
        else cut_into(unit, text, alice_ids(unit))
        for unit in UNITS
    }


class Training(NamedTuple):
    """What a vocabulary is learned from, how many pieces at most, and by which method."""

    corpus: str
    vocab_size: int
    method: str


@st.cache_resource(max_entries=64, show_spinner=False)
def trained_reader(training: Training) -> Reader:
    """Learn a vocabulary, or raise ValueError; the reader that uses it takes any sentence whole."""
    with AT_ONCE:
        tokenizer = train_tokenizer(training.corpus, training.vocab_size, METHODS[training.method])
    return Reader(tokenizer, max_len=10_000)


def trained_cut(text: str, training: Training) -> Cut:
    """Cut a text with a vocabulary that was learned here."""
    return token_cut(training.method, trained_reader(training), text)


def methods(text: str, vocab_size: int) -> tuple[Cut, ...]:
    """Cut a text with the vocabularies that the four methods learn from Alice."""
    return tuple(trained_cut(text, Training(alice(), vocab_size, method)) for method in METHODS)


@st.cache_resource(max_entries=64, show_spinner=False)
def learned_merges(training: Training) -> tuple[LearnedMerge, ...]:
    """Learn the rules of a BPE vocabulary once more, with the counts that decided them."""
    model = json.loads(trained_reader(training).tokenizer.to_str())["model"]
    with AT_ONCE:
        words = word_counts(training.corpus, METHODS[training.method])
        return learn_merges(words, len(model["merges"]))


Counted = tuple[tuple[tuple[str, str], int], ...]  # pairs of pieces, and how often they were seen


class Replay(NamedTuple):
    """A word put together: its pieces as they are shown, and the merge that led to each row."""

    rows: tuple[tuple[str, ...], ...]  # at first, and after each merge
    steps: tuple[MergeStep, ...]
    counts: tuple[Counted, ...]  # for each merge: its pair, then the runners-up
    n_rules: int


@st.cache_resource(max_entries=256, show_spinner=False)
def replay(word: str, training: Training) -> Replay:
    """Put a word together merge by merge, and tell for each merge which counts decided it.

    Vocabularies of the other methods keep no merges: plain BPE learns from the same text.
    """
    if METHODS[training.method] not in ("bpe", "byte-bpe"):
        training = training._replace(method="BPE")
    learner = trained_reader(training)
    label = byte_label if learner.byte_level else visible
    steps = replay_merges(learner.tokenizer, word)
    learned = learned_merges(training)
    states = (starting_pieces(learner.tokenizer, word), *(step.after for step in steps))
    decided = (learned[step.rank] for step in steps)
    return Replay(
        tuple(tuple(map(label, pieces)) for pieces in states),
        steps,
        tuple(
            tuple(
                ((label(left), label(right)), count)
                for (left, right), count in ((merge.pair, merge.count), *merge.runners_up)
            )
            for merge in decided
        ),
        len(learned),
    )
