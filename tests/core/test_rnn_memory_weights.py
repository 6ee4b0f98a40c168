"""The committed translators: their files, and what the page claims of them, for every seed."""

import pytest
import torch
from safetensors.torch import load_file

from core.context_vector import context_gradients, probe_context
from core.number_words import DICTIONARY, english
from core.seq2seq import KINDS, PAD, build, translate
from core.seq2seq_training import (
    RunConfig,
    Seq2SeqRun,
    accuracies,
    held_out_pairs,
    translator_config,
)
from core.seq2seq_weights import FOLDER, load_log, load_translators, save_translators
from core.translation_task import NUMBERS, pairs_of_length, translation

CONFIG = translator_config(NUMBERS, 64)


@pytest.fixture(scope="module")
def log():
    return load_log()


@pytest.fixture(scope="module")
def translators(log):
    return {kind: load_translators(kind, CONFIG, log["sha256"][kind]) for kind in KINDS}


def logged(log, name, length):
    """The accuracy at one length, for every seed."""
    column = log["settings"]["lengths"].index(length)
    return torch.tensor([run["accuracy"][column] for run in log["runs"] if run["name"] == name])


def written_rightly(translator, source_ids, target_ids):
    """Which sources are translated without a mistake, written word by word."""
    n_words = target_ids.shape[1]
    written = translate(translator, source_ids, n_words - 1)
    written = torch.nn.functional.pad(written, (0, n_words - written.shape[1]))
    return ((written == target_ids) | (target_ids == PAD)).all(dim=1).double().mean().item()


def test_there_are_five_seeds_of_each_kind(log, translators):
    seeds = [run["seed"] for run in log["runs"]]
    assert seeds == [0, 1, 2, 3, 4] * 4
    assert {kind: len(of_kind) for kind, of_kind in translators.items()} == dict.fromkeys(KINDS, 5)


def test_weights_and_log_are_small_enough_for_git():
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 4e6


def test_a_changed_file_is_refused(log, tmp_path):
    content = bytearray((FOLDER / "fixed.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "fixed.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=r"fixed\.safetensors is not the file of the log"):
        load_translators("fixed", CONFIG, log["sha256"]["fixed"], tmp_path)


def test_weights_come_back_as_they_were_saved_up_to_half_precision(tmp_path):
    built = [build("attention", CONFIG, torch.Generator().manual_seed(seed)) for seed in range(3)]
    sha256 = save_translators("attention", [one.state_dict() for one in built], tmp_path)
    assert {tensor.dtype for tensor in load_file(tmp_path / "attention.safetensors").values()} == {
        torch.float16
    }
    for saved, loaded in zip(
        built, load_translators("attention", CONFIG, sha256, tmp_path), strict=True
    ):
        weights = loaded.state_dict()
        for name, tensor in saved.state_dict().items():
            assert torch.equal(weights[name], tensor.half().float())


@pytest.mark.parametrize("kind", KINDS)
def test_training_again_begins_as_the_log_says(log, kind):
    run = Seq2SeqRun(RunConfig((kind,), seeds=(2,), n_steps=log["settings"]["n_steps"]))
    every = log["settings"]["loss_every"]
    n_steps = every + 1 if kind != "transformer" else 1
    losses = [run.step().series[0, 0] for _ in range(n_steps)][::every]
    entry = next(entry for entry in log["runs"] if (entry["name"], entry["seed"]) == (kind, 2))
    assert losses == pytest.approx(entry["losses"][: len(losses)], rel=2e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_the_logged_accuracy_is_what_greedy_writing_gets_right(log, translators, kind):
    n_pairs, length, seed = log["settings"]["n_pairs"], 10, 3
    ((source_ids, target_ids),) = held_out_pairs(NUMBERS, (length,), n_pairs)
    right = written_rightly(translators[kind][seed], source_ids, target_ids)
    assert right == pytest.approx(logged(log, kind, length)[seed].item(), abs=1.5 / n_pairs)


def test_accuracy_in_one_pass_equals_greedy_writing(translators):
    tests = held_out_pairs(NUMBERS, (3, 10, 12), 67)
    translator = translators["attention"][1]
    shares = [written_rightly(translator, *test) for test in tests]
    assert accuracies(translator, tests).tolist() == shares
    assert shares[0] == 1
    assert shares[2] < 1


# What the page claims


def test_attention_is_ahead_of_one_vector_for_every_seed(log):
    """The shape of figure 2 of Bahdanau et al. (2015)."""
    for length, margin in ((10, 0.2), (12, 0.5)):
        assert (logged(log, "attention", length) - logged(log, "fixed", length) >= margin).all()


def test_one_vector_loses_accuracy_as_the_source_grows(log):
    short, middle, long = (logged(log, "fixed", length) for length in (4, 8, 12))
    assert (short > middle + 0.1).all()
    assert (middle > long + 0.3).all()


def test_attention_holds_within_what_was_trained_and_a_little_beyond(log):
    for length in range(1, 11):
        assert (logged(log, "attention", length) >= 0.98).all()


def test_the_transformer_is_perfect_as_far_as_it_was_trained_and_lost_beyond(log):
    for length in range(2, 10):
        assert (logged(log, "transformer", length) >= 0.98).all()
    for length in range(12, 19):
        assert (logged(log, "transformer", length) <= 0.1).all()


def test_one_vector_is_a_cost_and_no_wall(log):
    for length in (8, 9, 10):
        assert logged(log, "wide", length).min() > logged(log, "fixed", length).max()
    assert (logged(log, "wide", 12) < logged(log, "attention", 12) - 0.3).all()
    nine = log["settings"]["curve_lengths"].index(9)
    for run in log["runs"]:
        if run["name"] == "fixed":
            curve = [point[nine] for point in run["curve"]]
            assert curve[-1] > curve[2] + 0.1


@pytest.mark.parametrize("kind", ["attention", "transformer"])
def test_words_are_written_while_looking_at_the_word_they_translate(translators, kind):
    pairs = pairs_of_length(NUMBERS, torch.Generator().manual_seed(77), 8, 7)
    for translator in translators[kind]:
        hits = []
        for source, target in pairs:
            found = translation(translator, NUMBERS, source)
            if found.words == target:
                seen = [(*source, "END")[place] for place in found.weights.argmax(dim=-1)]
                hits += [
                    DICTIONARY[word] == one
                    for word, one in zip(target, seen, strict=False)
                    if word in DICTIONARY
                ]
        assert len(hits) > 30
        assert sum(hits) / len(hits) >= 0.9


def test_training_keeps_what_a_fresh_lstm_forgets(translators):
    source_ids = NUMBERS.source_ids([english(741_000_852_963)])[0]
    for seed, trained in enumerate(translators["fixed"]):
        fresh = build("fixed", CONFIG, torch.Generator().manual_seed(seed))
        reach, before = (context_gradients(one, source_ids)[:-1] for one in (trained, fresh))
        assert before[0] < 1e-2 * before[-1]
        assert reach[0] > 0.1 * reach[-1]


def test_the_first_word_is_read_back_best_and_long_sources_worse(log):
    probes = [run["probes"] for run in log["runs"] if run["name"] == "fixed"]
    for by_length in probes:
        nine = by_length[8]["accuracy"]
        assert nine[0] > max(nine[2:8])
        means = [sum(by_length[n - 1]["accuracy"][2:-1]) / (n - 3) for n in (5, 9, 14)]
        assert means[0] > means[1] > means[2]


def test_the_logged_probe_is_what_a_new_one_finds(log, translators):
    probe = probe_context(
        translators["fixed"][4], NUMBERS, 6, torch.Generator().manual_seed(2006), 1000, 500
    )
    entry = next(run for run in log["runs"] if (run["name"], run["seed"]) == ("fixed", 4))
    assert probe.accuracy.tolist() == pytest.approx(entry["probes"][5]["accuracy"], abs=0.01)
    assert probe.guessing.tolist() == pytest.approx(entry["probes"][5]["guessing"])
