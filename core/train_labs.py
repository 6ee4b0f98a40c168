"""Train the translators of the page rnn_memory and write their weights and log: make train-labs.

Everything is fixed by the seeds and the number of steps, nothing by the clock: on the same machine
and version of PyTorch, a second run writes the same bytes.
"""

from __future__ import annotations

import json
import platform
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import torch
from torch import Tensor

from core.context_vector import probe_context
from core.seq2seq import KINDS, Kind, Translator
from core.seq2seq_training import (
    RunConfig,
    Seq2SeqRun,
    accuracies,
    held_out_pairs,
    translator_config,
)
from core.seq2seq_weights import FOLDER, save_translators, with_weights
from core.translation_task import NUMBERS

SEEDS = range(5)
N_STEPS = 3000
LENGTHS = range(1, 19)  # source words
N_PAIRS = 500  # per length
LOSS_EVERY = 50  # steps
CURVE_EVERY = 300
CURVE_LENGTHS = (3, 6, 9, 12)
N_CURVE_PAIRS = 100
PROBE_SEED = 2000
WIDE = 128  # width of a second fixed vector, to see what a larger one buys; only its log is kept

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Variant:
    """One of the translators that are compared."""

    name: str
    kind: Kind
    d_model: int = 64


VARIANTS = (*(Variant(kind, kind) for kind in KINDS), Variant("wide", "fixed", WIDE))


def train(variant: Variant, seed: int) -> tuple[dict[str, object], Weights]:
    """Train one translator, and measure what its rounded weights can do."""
    torch.set_num_threads(1)
    run = Seq2SeqRun(
        RunConfig(
            kinds=(variant.kind,),
            seeds=(seed,),
            n_steps=N_STEPS,
            d_model=variant.d_model,
            test_every=CURVE_EVERY,
            test_lengths=CURVE_LENGTHS,
            n_test_pairs=N_CURVE_PAIRS,
        )
    )
    started = time.process_time()
    frames = [run.step() for _ in range(N_STEPS)]
    seconds = time.process_time() - started
    trained = run.learners[0][0].translator.state_dict()
    weights = {name: tensor.half().float() for name, tensor in trained.items()}
    rounded = with_weights(variant.kind, translator_config(NUMBERS, variant.d_model), weights)
    accuracy = accuracies(rounded, held_out_pairs(NUMBERS, LENGTHS, N_PAIRS)).tolist()
    entry: dict[str, object] = {
        "name": variant.name,
        "seed": seed,
        "n_parameters": sum(tensor.numel() for tensor in weights.values()),
        "seconds": round(seconds, 1),
        "losses": [float(f"{frame.series[0, 0]:.4g}") for frame in frames[::LOSS_EVERY]],
        "curve": [frame.profile[0].tolist() for frame in frames if frame.profile is not None],
        "accuracy": accuracy,
        "probes": probe_by_length(rounded) if variant.name == "fixed" else [],
    }
    print(f"{variant.name}, seed {seed}: {seconds:.0f} s, at 9 words {accuracy[8]:.3f}", flush=True)
    return entry, weights


def probe_by_length(translator: Translator) -> list[dict[str, list[float]]]:
    """Read the words back from c, for sources of each length."""
    generators = [torch.Generator().manual_seed(PROBE_SEED + length) for length in LENGTHS]
    probes = [
        probe_context(translator, NUMBERS, length, generator)
        for length, generator in zip(LENGTHS, generators, strict=True)
    ]
    return [
        {"accuracy": probe.accuracy.tolist(), "guessing": probe.guessing.tolist()}
        for probe in probes
    ]


def main() -> None:
    """Train all translators, two at a time, and write what the page needs."""
    started = time.monotonic()
    jobs = [(variant, seed) for variant in reversed(VARIANTS) for seed in SEEDS]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        trained = dict(zip(jobs, pool.map(train, *zip(*jobs, strict=True)), strict=True))
    shas = {
        variant.name: save_translators(variant.kind, [trained[variant, seed][1] for seed in SEEDS])
        for variant in VARIANTS
        if variant.name in KINDS
    }
    log = {
        "settings": {
            "task": "numbers",
            "n_steps": N_STEPS,
            "d_model": {variant.name: variant.d_model for variant in VARIANTS},
            "lengths": list(LENGTHS),
            "n_pairs": N_PAIRS,
            "loss_every": LOSS_EVERY,
            "curve_every": CURVE_EVERY,
            "curve_lengths": list(CURVE_LENGTHS),
            "n_curve_pairs": N_CURVE_PAIRS,
            "torch": torch.__version__,
            "machine": platform.machine(),
        },
        "sha256": shas,
        "runs": [trained[variant, seed][0] for variant in VARIANTS for seed in SEEDS],
    }
    FOLDER.joinpath("log.json").write_text(json.dumps(log, indent=1) + "\n", encoding="utf-8")
    print(f"written to {FOLDER} after {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
