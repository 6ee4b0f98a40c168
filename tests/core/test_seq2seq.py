from math import log, sqrt

import pytest
import torch

from core.seq2seq import (
    END,
    KINDS,
    PAD,
    START,
    Seq2SeqConfig,
    build,
    is_right,
    last_state,
    loss,
    translate,
    with_positions,
)

CONFIG = Seq2SeqConfig(
    source_size=13, target_size=17, d_embedding=7, d_model=20, n_heads=5, n_layers=3, d_ff=29
)


def made(kind, seed=0):
    """A translator whose weights are large enough for its answers to differ."""
    translator = build(kind, CONFIG, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        translator.w_s.weight *= 5
    return translator.requires_grad_(False)


def ids(*rows):
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[PAD] * (longest - len(row))] for row in rows])


@pytest.fixture(params=KINDS)
def translator(request):
    return made(request.param)


SOURCES = ids([5, 9, 12, 4, END], [3, END], [8, 8, END])
TARGETS = ids([START, 6, 11, 16, END], [START, 4, 5, END], [START, END])


def test_every_part_of_a_translation_has_the_shape_it_should(translator):
    encoded = translator.encode(SOURCES)
    decoded = translator.decode(encoded, TARGETS)
    assert encoded.states.shape == (3, 5, 20)
    assert encoded.context.shape == (3, 20)
    assert decoded.contexts.shape == decoded.states.shape == (3, 5, 20)
    assert decoded.logits.shape == (3, 5, 17)
    assert encoded.mask.tolist()[1] == [True, True, False, False, False]


def test_padding_changes_nothing(translator):
    together = translator.decode(translator.encode(SOURCES), TARGETS).logits
    for row, source, target in ((1, [3, END], [START, 4, 5, END]), (2, [8, 8, END], [START, END])):
        alone = translator.decode(translator.encode(ids(source)), ids(target)).logits
        torch.testing.assert_close(together[row, : len(target)], alone[0])
    padded = torch.nn.functional.pad(SOURCES, (0, 7))
    torch.testing.assert_close(
        loss(translator, padded, TARGETS), loss(translator, SOURCES, TARGETS)
    )


def test_no_word_sees_the_words_after_it(translator):
    encoded = translator.encode(SOURCES)
    before = translator.decode(encoded, TARGETS).logits
    changed = TARGETS.clone()
    changed[:, 3:] = 7
    after = translator.decode(encoded, changed).logits
    torch.testing.assert_close(after[:, :3], before[:, :3])
    assert not torch.allclose(after[0, 3:], before[0, 3:])


@pytest.mark.parametrize("kind", ["attention", "transformer"])
def test_attention_rows_sum_to_one_and_give_padding_nothing(kind):
    translator = made(kind)
    weights = translator.decode(translator.encode(SOURCES), TARGETS).weights
    assert weights.shape == (3, 1 if kind == "attention" else 5, 5, 5)
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(weights.shape[:-1]))
    assert (weights[1, :, :, 2:] == 0).all()
    assert (weights[1, :, :, :2] > 0).all()


def test_without_attention_every_step_sees_the_last_state_and_nothing_else():
    translator = made("fixed")
    encoded = translator.encode(SOURCES)
    decoded = translator.decode(encoded, TARGETS)
    assert decoded.weights is None
    assert torch.equal(decoded.contexts, encoded.context[:, None].expand(-1, 5, -1))
    assert torch.equal(encoded.context[1], encoded.states[1, 1])


def test_luong_attention_equals_its_equations_written_out():
    translator = made("attention")
    encoded = translator.encode(SOURCES)
    decoded = translator.decode(encoded, TARGETS)
    row, step = 0, 3
    states = encoded.states[row]
    scores = torch.stack(
        [decoded.states[row, step] @ translator.w_a.weight @ state / sqrt(20) for state in states]
    )
    weights = scores.exp() / scores.exp().sum()
    context = (weights[:, None] * states).sum(dim=0)
    combined = torch.cat([context, decoded.states[row, step]])
    hidden = torch.tanh(translator.w_c.weight @ combined + translator.w_c.bias)
    logits = translator.w_s.weight @ hidden + translator.w_s.bias
    torch.testing.assert_close(decoded.weights[row, 0, step], weights)
    torch.testing.assert_close(decoded.contexts[row, step], context)
    torch.testing.assert_close(decoded.logits[row, step], logits)


def test_the_transformer_equals_pytorchs_own():
    ours = made("transformer")
    sizes = {"d_model": 20, "nhead": 5, "dim_feedforward": 29, "dropout": 0.0}
    layers = {"batch_first": True, "norm_first": True} | sizes
    norm = torch.nn.LayerNorm(20)
    encoder = torch.nn.TransformerEncoder(
        torch.nn.TransformerEncoderLayer(**layers), 3, norm, enable_nested_tensor=False
    )
    decoder = torch.nn.TransformerDecoder(torch.nn.TransformerDecoderLayer(**layers), 3, norm)
    with torch.no_grad():
        for block, layer in [*zip(ours.encoder, encoder.layers, strict=True)]:
            copy_attention(block.attention, layer.self_attn)
            copy_feed_forward(block.feed_forward, layer, layer.norm2)
            copy(block.attention_norm, layer.norm1)
        for block, layer in [*zip(ours.decoder, decoder.layers, strict=True)]:
            copy_attention(block.attention, layer.self_attn)
            copy_attention(block.cross_attention, layer.multihead_attn)
            copy_feed_forward(block.feed_forward, layer, layer.norm3)
            copy(block.attention_norm, layer.norm1)
            copy(block.cross_norm, layer.norm2)
    padding = SOURCES == PAD
    memory = encoder(with_positions(ours.source_embedding(SOURCES)), src_key_padding_mask=padding)
    expected = decoder(
        with_positions(ours.target_embedding(TARGETS)),
        memory,
        tgt_mask=torch.ones(5, 5, dtype=torch.bool).triu(1),
        memory_key_padding_mask=padding,
    )
    found = ours.decode(ours.encode(SOURCES), TARGETS).states
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def copy(ours, theirs):
    theirs.load_state_dict(ours.state_dict())


def copy_attention(ours, theirs):
    projections = (ours.w_q, ours.w_k, ours.w_v)
    theirs.in_proj_weight.copy_(torch.cat([projection.weight for projection in projections]))
    theirs.in_proj_bias.copy_(torch.cat([projection.bias for projection in projections]))
    copy(ours.w_o, theirs.out_proj)


def copy_feed_forward(ours, layer, norm):
    copy(ours.norm, norm)
    copy(ours.w_1, layer.linear1)
    copy(ours.w_2, layer.linear2)


def test_greedy_words_are_the_likeliest_after_the_words_before_them(translator):
    written = translate(translator, SOURCES, max_words=11)
    assert 1 < written.shape[1] <= 12
    assert (written[:, 0] == START).all()
    logits = translator.decode(translator.encode(SOURCES), written[:, :-1]).logits
    assert torch.equal(written[:, 1:], logits.argmax(dim=-1))


def test_writing_stops_when_every_translation_has_ended():
    translator = made("attention")
    translator.w_s.bias[END] = 100.0
    assert translate(translator, SOURCES, max_words=11).tolist() == [[START, END]] * 3


def test_is_right_says_whether_greedy_writing_gives_the_target(translator):
    written = translate(translator, SOURCES, max_words=4)
    written = torch.nn.functional.pad(written, (0, 5 - written.shape[1]), value=7)
    target = written.clone()
    target[1, 3] = (target[1, 3] + 1) % 17
    target[2, 4] = PAD  # what follows the end of a target does not count
    target = torch.where(target == PAD, 5, target)
    target[2, 4] = PAD
    agrees = ((written == target) | (target == PAD)).all(dim=1)
    assert is_right(translator, SOURCES, target).tolist() == agrees.tolist()
    assert not agrees[1]
    assert agrees[2]


def test_loss_is_the_mean_surprise_of_the_words_that_count(translator):
    logits = translator.decode(translator.encode(SOURCES), TARGETS[:, :-1]).logits
    surprises = [
        -logits[row, step].log_softmax(dim=-1)[TARGETS[row, step + 1]]
        for row in range(3)
        for step in range(4)
        if TARGETS[row, step + 1] != PAD
    ]
    assert len(surprises) == 8
    torch.testing.assert_close(loss(translator, SOURCES, TARGETS), torch.stack(surprises).mean())


@pytest.mark.parametrize("kind", KINDS)
def test_a_fresh_translator_guesses_among_all_words(kind):
    fresh = build(kind, CONFIG, torch.Generator().manual_seed(3))
    assert loss(fresh, SOURCES, TARGETS).item() == pytest.approx(log(17), rel=0.2)


@pytest.mark.parametrize("kind", KINDS)
def test_the_generator_alone_decides_the_weights(kind):
    state = torch.random.get_rng_state()
    first, again, other = (
        build(kind, CONFIG, torch.Generator().manual_seed(seed)).state_dict() for seed in (2, 2, 3)
    )
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_fresh_weights_are_spread_as_pytorch_does_it():
    weights = build("attention", CONFIG, torch.Generator().manual_seed(1)).state_dict()
    for name, inputs in {"decoder.weight_hh_l0": 20, "w_c.weight": 40, "w_s.bias": 20}.items():
        largest = weights[name].abs().max().item()
        assert 0.7 * inputs**-0.5 < largest <= inputs**-0.5


def test_the_last_state_is_that_of_the_last_word_before_the_filling():
    states = torch.arange(2 * 3 * 2.0).view(2, 3, 2)
    mask = torch.tensor([[True, True, False], [True, True, True]])
    assert last_state(states, mask).tolist() == [[2, 3], [10, 11]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_translator_works_on_the_device_it_is_on(kind):
    """On "meta" only shapes are computed, so that a tensor left on the CPU is found anywhere."""
    translator = made(kind).to("meta")
    if kind != "transformer":  # whose masks are looked at, which "meta" cannot
        states, _ = translator.encoder(translator.source_embedding(SOURCES.to("meta")))
        assert states.device.type == "meta"
    assert last_state(torch.empty(3, 5, 2, device="meta"), SOURCES.to("meta") > 0).is_meta


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("kind", KINDS)
def test_a_gpu_gives_the_same_translation(kind):
    on_cpu = made(kind).decode(made(kind).encode(SOURCES), TARGETS).logits
    moved = made(kind).to("cuda")
    on_gpu = moved.decode(moved.encode(SOURCES.cuda()), TARGETS.cuda()).logits.cpu()
    torch.testing.assert_close(on_gpu, on_cpu, rtol=1e-3, atol=1e-4)
