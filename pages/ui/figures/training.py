"""What is said and listed of a training: sentences and tables from its numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LOSS, NORM = 0, 2  # places in the series of an update, as in core
SOLVED = 0.1  # of the loss that guessing has
LATEST = 10  # updates over which the loss is taken

History = Sequence[np.ndarray]  # of one model: for each update, (series, seed)


def look_for_memory(history: Sequence[History], names: Sequence[str], guessing_loss: float) -> str:
    """Say how many networks of each model have learned the task."""
    if all(len(updates) <= 1 for updates in history):
        return (
            "At first all of them guess. Start, and watch whose gradient reaches the far end: "
            "those are the ones that learn."
        )
    parts = []
    for name, updates in zip(names, history, strict=True):
        loss = np.mean([update[LOSS] for update in updates[-LATEST:]], axis=0)
        parts.append(f"**{name}** {(loss <= SOLVED * guessing_loss).sum()} of {len(loss)}")
    n_updates = max(len(updates) for updates in history)
    return (
        f"Networks that have learned the task after {n_updates:,} updates (their loss is below a "
        f"tenth of what guessing has): {', '.join(parts)}."
    )


def look_for_explosion(history: Sequence[History], names: Sequence[str]) -> str:
    """Say how many networks were lost, and what the largest gradient was."""
    if all(len(updates) <= 1 for updates in history):
        return (
            "Both begin with the same weights and read the same sequences; only one of them has "
            "its gradients clipped."
        )
    parts = []
    for name, updates in zip(names, history, strict=True):
        losses, norms = (np.stack([update[row] for update in updates]) for row in (LOSS, NORM))
        lost = int((~np.isfinite(losses)).any(axis=0).sum())
        finite = norms[np.isfinite(norms)]
        largest = _power_of_ten(finite.max()) if finite.size else "no number"
        parts.append(
            f"**{name}** {lost} of {losses.shape[1]} networks lost, largest gradient {largest}"
        )
    return f"{'; '.join(parts)}."


def _power_of_ten(number: float) -> str:
    """Write a number that may be huge, in KaTeX where it is."""
    if number < 1_000:
        return f"{number:.3g}"
    digits, _, power = f"{number:.1e}".partition("e")
    return rf"${digits} \cdot 10^{{{int(power)}}}$"


def training_table(
    names: Sequence[str], series: Sequence[str], history: Sequence[History], every: int
) -> dict[str, list[object]]:
    """List the numbers of every `every`-th update: one row per model, update and seed."""
    table: dict[str, list[object]] = {column: [] for column in ("model", "update", "seed", *series)}
    for name, updates in zip(names, history, strict=True):
        for step in range(0, len(updates), every):
            for seed, numbers in enumerate(updates[step].T.tolist()):
                row = (name, step + 1, seed + 1, *numbers)
                for column, cell in zip(table.values(), row, strict=True):
                    column.append(cell)
    return table
