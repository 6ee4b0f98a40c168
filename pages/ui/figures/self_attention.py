"""Figures of self-attention: weights received, pronouns, something changed, four measures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import plotly.graph_objects as go

from pages.ui.figures import style
from pages.ui.figures.comparison import comparison
from pages.ui.figures.style import Theme
from pages.ui.text import quoted

SPECIAL = ("[CLS]", "[SEP]")
TWO = ("yours", "second")  # sentences


class Link(NamedTuple):
    """One weight: which token looks, at which, with how much of its attention."""

    query: int
    key: int
    weight: float


def strongest_link(weights: np.ndarray, tokens: Sequence[str]) -> Link:
    """Find the largest weight between two different words; special tokens count only alone."""
    words = np.array([token not in SPECIAL for token in tokens])
    candidates = weights * ~np.eye(len(tokens), dtype=bool)
    if words.sum() > 1:
        candidates = candidates * (words[:, None] & words)
    query, key = np.unravel_index(candidates.argmax(), weights.shape)
    return Link(int(query), int(key), float(weights[query, key]))


def look_for_links(
    weights: np.ndarray, tokens: Sequence[str], token: int | None, name: str, kind: str
) -> str:
    """Say where the chosen token looks most in one head, or which link is strongest."""
    link = strongest_link(weights, tokens)
    if token is not None:
        link = Link(token, int(weights[token].argmax()), float(weights[token].max()))
    return (
        f"In head {name} ({kind}), {quoted(tokens[link.query])} looks most at "
        f"{quoted(tokens[link.key])}: {link.weight:.2f} of its attention."
    )


def weight_arithmetic(
    q: np.ndarray, k: np.ndarray, scores: np.ndarray, tokens: Sequence[str], link: tuple[int, int]
) -> str:
    """Compute the weight of a token that looks from its query and the other's key.

    Args:
        q: One query per token.
        k: One key per token.
        scores: Of the token that looks, scaled; -inf for what it may not look at.
        tokens: As the model reads them.
        link: The token that looks, and the one that is looked at.
    """
    query, key = link
    if scores[key] == -np.inf:
        pair = f"{quoted(tokens[query])} may not look at {quoted(tokens[key])}"
        return rf"{pair}: its score is $-\infty$, and $e^{{-\infty}} = 0$."
    asked, found, d_k = q[query], k[key], q.shape[1]
    product, score = float(asked @ found), float(scores[key])
    powers = np.exp(scores.astype(np.float64))
    return (
        f"{quoted(tokens[query])} looks at {quoted(tokens[key])}:\n\n"
        f"$q \\cdot k = {asked[0]:.2f} \\cdot {factor(found[0])} + {factor(asked[1])} \\cdot "
        f"{factor(found[1])} + \\dots = {product:.2f}$ ({d_k} products)\n\n"
        f"$s = q \\cdot k / \\sqrt{{d_k}} = {product:.2f} / {d_k**0.5:.2f} = {score:.2f}$\n\n"
        f"$e^{{s}} / \\sum_j e^{{s_j}} = {number(powers[key])} / {number(powers.sum())} = "
        f"{powers[key] / powers.sum():.2f}$"
    )


def factor(value: float) -> str:
    """Write a number that something is multiplied with."""
    return f"({value:.2f})" if value < 0 else f"{value:.2f}"


def number(value: float) -> str:
    """Write a number of any size for a formula."""
    if 0.01 <= value < 1e5:
        return f"{value:,.2f}".replace(",", "{,}")
    digits, _, power = f"{value:.1e}".partition("e")
    return f"{digits} \\cdot 10^{{{int(power or 0)}}}"


def matrix_table(values: np.ndarray, tokens: Sequence[str]) -> dict[str, list[object]]:
    """Write a matrix with one row per token as a table."""
    columns = {
        f"{column}": np.round(values[:, column - 1], 4).tolist()
        for column in range(1, values.shape[1] + 1)
    }
    return {"token": [f"{place} {token}" for place, token in enumerate(tokens, 1)], **columns}


def look_for_sink(received: np.ndarray, tokens: Sequence[str], allowed: np.ndarray) -> str:
    """Say which token receives most, against what it would if all were looked at alike.

    Args:
        received: (block, token), mean of heads.
        tokens: One text per token.
        allowed: Whether a token may look at another: (query, key).
    """
    mean = received.mean(axis=0)
    most = int(mean.argmax())
    even = allowed / allowed.sum(axis=1, keepdims=True)
    return (
        f"{quoted(tokens[most])} receives {mean[most]:.2f} of all attention; "
        f"an even share would be {even[:, most].mean():.2f}."
    )


def weights_table(
    weights: np.ndarray, tokens: Sequence[str], allowed: np.ndarray
) -> dict[str, list[object]]:
    """Write the weights of one head as a table: a row per token that looks.

    Where it may not look (query, key), the cell is empty.
    """
    names = [f"{place} {token}" for place, token in enumerate(tokens, 1)]
    cells = np.where(allowed, np.round(weights, 4), None)
    return {"looks from": names} | {name: cells[:, key].tolist() for key, name in enumerate(names)}


def received_heatmap(received: np.ndarray, tokens: Sequence[str], theme: Theme) -> go.Figure:
    """Show the attention that each token receives in each block: (block, token), mean of heads."""
    heatmap = go.Heatmap(
        z=received.astype(np.float32),
        x=style.plot_labels(tokens),
        y=[f"block {block}" for block in range(1, len(received) + 1)],
        colorscale=style.sequential_scale("weights", theme),
        zmin=0,
        colorbar={"title": "weight"},
        hovertemplate="%{x} receives %{z:.2f} of the attention in %{y}<extra></extra>",
        xgap=1,
        ygap=1,
    )
    return style.drawn(
        heatmap,
        theme,
        300,
        xaxis={"title": "token that is looked at"},
        yaxis={"autorange": "reversed"},
    )


def look_for_projection(which: str, name: str, d_model: int, n_heads: int) -> str:
    """Say which part of a projection belongs to one head."""
    d_k = d_model // n_heads
    return (
        f"$W_{which}$ has {d_model} columns, {d_model**2:,} numbers; head {name} uses {d_k} of the "
        f"columns, and the {n_heads} heads divide them all among them: ${n_heads} \\cdot {d_k} = "
        f"{d_model}$. Every number of the last matrix is one row times one column, plus the bias."
    )


def received_arithmetic(weights: np.ndarray, tokens: Sequence[str], key: int, block: int) -> str:
    """Compute what a token receives in one block: the mean of all weights on it.

    Args:
        weights: Of that block: (head, query, key).
        tokens: As the model reads them.
        key: The token that is looked at.
        block: Which block, counted from 0.
    """
    n_heads, n_tokens = weights.shape[:2]
    on_key = float(weights[:, :, key].sum())
    return (
        f"In block {block + 1} the weights on {quoted(tokens[key])}, from {n_tokens} tokens in "
        f"{n_heads} heads, add up to ${on_key:.2f}$; their mean is "
        f"${on_key:.2f} / ({n_heads} \\cdot {n_tokens}) = {on_key / n_heads / n_tokens:.2f}$."
    )


def received_table(received: np.ndarray, tokens: Sequence[str]) -> dict[str, list[object]]:
    """Write the attention that each token receives as a table."""
    columns = {f"block {block}": np.round(row, 4).tolist() for block, row in enumerate(received, 1)}
    return {"token": list(tokens), **columns}


def head_comparison(
    first: np.ndarray,
    second: np.ndarray,
    tokens: Sequence[str],
    allowed: np.ndarray,
    names: tuple[str, str],
    theme: Theme,
    quantity: Literal["weights", "scores"] = "weights",
) -> go.Figure:
    """Show two matrices (query, key) of a head; where a token may not look, there is no number.

    `allowed` says where it may: (query, key), or one such matrix for each of the two.
    """
    here, there = np.broadcast_to(allowed, (2, *first.shape))
    return comparison(
        np.where(here, first, np.nan),
        np.where(there, second, np.nan),
        tokens,
        tokens,
        names,
        quantity,
        theme,
        measure=quantity.removesuffix("s"),
        axis="token that looks",
        gaps="may not look",
    )


def comparison_table(
    first: np.ndarray,
    second: np.ndarray,
    tokens: Sequence[str],
    allowed: np.ndarray,
    names: tuple[str, str] = ("intact", "changed"),
) -> dict[str, list[object]]:
    """Write both values of every pair of tokens that may look, the largest difference first."""
    difference = np.where(allowed, second, 0) - np.where(allowed, first, 0)
    order = np.argsort(np.where(allowed, -np.abs(difference), np.inf), axis=None)
    queries, keys = np.unravel_index(order[: allowed.sum()], difference.shape)
    return {
        "looks from": [f"{query + 1} {tokens[query]}" for query in queries],
        "looks at": [f"{key + 1} {tokens[key]}" for key in keys],
        names[0]: np.round(first[queries, keys], 4).tolist(),
        names[1]: np.round(second[queries, keys], 4).tolist(),
        "difference": np.round(difference[queries, keys], 4).tolist(),
    }


class PronounLinks(NamedTuple):
    """The heads worth showing: their names, and their weights (sentence, head, noun)."""

    names: list[str]
    weights: np.ndarray


def telling_heads(weights: np.ndarray, changes_side: np.ndarray) -> PronounLinks:
    """Choose the heads that change sides with the word, and the five strongest links.

    Args:
        weights: (sentence, block, head, noun).
        changes_side: (block, head), 1 where a head prefers the right noun both times.
    """
    strongest = weights.max(axis=(0, 3))
    places = {tuple(place) for place in np.argwhere(changes_side == 1)}
    by_strength = np.argsort(-strongest, axis=None)[:5]
    places |= {tuple(np.unravel_index(place, strongest.shape)) for place in by_strength}
    chosen = sorted(places, key=lambda place: -strongest[place])
    names = [f"L{block + 1}H{head + 1}" for block, head in chosen]
    return PronounLinks(names, np.stack([weights[:, b, h] for b, h in chosen], axis=1))


def look_for_pronouns(shares: Sequence[float], changes_side: np.ndarray) -> str:
    """Say how many heads change sides, and how little all of them together move."""
    resolved, misled = (changes_side == 1).sum(), (changes_side == -1).sum()
    return (
        f"{resolved} of {changes_side.size} heads move to the right noun, {misled} to the wrong "
        f"one. Over all heads `animal` has {shares[0]:.2f} of the weight on both nouns with "
        f"*tired*, {shares[1]:.2f} with *wide*."
    )


def verdict_on_pronouns(
    name: str, best: int, n_pairs: int, best_by_luck: float, checked: int, n_checked: int
) -> str:
    """Say how the best head fares on many pairs of sentences, beside luck and on other pairs."""
    return (
        f"And in general? On {n_pairs} pairs of sentences like these, the best of the 72 heads, "
        f"{name}, moves its weight the right way in {best}. But it was chosen by these pairs: the "
        f"best of 72 coin tossers would be right in {best_by_luck:.1f} on average. On {n_checked} "
        f"other pairs {name} is right in {checked}. So this head does not resolve pronouns in "
        "general."
    )


def pronoun_table(weights: np.ndarray, nouns: Sequence[str]) -> dict[str, list[object]]:
    """Write the weights from the pronoun to both nouns, in both sentences, for every head."""
    n_blocks, n_heads = weights.shape[1:3]
    names = [f"L{block + 1}H{head + 1}" for block in range(n_blocks) for head in range(n_heads)]
    columns = {
        f"{noun}, {word}": np.round(weights[sentence, ..., place].ravel(), 4).tolist()
        for sentence, word in enumerate(("tired", "wide"))
        for place, noun in enumerate(nouns)
    }
    return {"head": names, **columns}


def pronoun_links(links: PronounLinks, nouns: Sequence[str], theme: Theme) -> go.Figure:
    """Show how the pronoun's weight on two nouns moves when one word changes."""
    names, weights = links
    traces: list[go.Scatter] = []
    for noun, (name, quantity) in enumerate(zip(nouns, ("q", "k"), strict=True)):
        colour = style.COLORS[quantity][theme]
        first, second = weights[0, :, noun], weights[1, :, noun]
        traces.append(
            go.Scatter(
                x=np.column_stack([first, second, np.full(len(names), np.nan)]).ravel(),
                y=np.repeat(np.array(names), 3),
                mode="lines",
                line={"color": colour, "width": 2},
                hoverinfo="skip",
                showlegend=False,
            )
        )
        marks = ((first, "tired", "circle"), (second, "wide", "diamond-open"))
        traces += [
            go.Scatter(
                x=values,
                y=names,
                mode="markers",
                marker={"color": colour, "size": 11, "symbol": symbol, "line": {"width": 2}},
                name=f"{name}, … too {word}",
                hovertemplate=f"%{{y}}: it → {name} %{{x:.2f}} (… too {word})<extra></extra>",
            )
            for values, word, symbol in marks
        ]
    return style.drawn(
        traces,
        theme,
        120 + 30 * len(names),
        xaxis={"title": "weight from it", "rangemode": "tozero"},
        yaxis={"autorange": "reversed"},
    )


def look_for_change(intact: np.ndarray, changed: np.ndarray, scores: np.ndarray) -> str:
    """Say how far the weights of a head change, and whether its scores still have a direction.

    Args:
        intact: Weights of the head.
        changed: The same, with something taken away.
        scores: Scores of the changed head.
    """
    asymmetry = float(np.abs(scores - scores.T).max())
    symmetric = " Its scores are symmetric now: who looks at whom has no direction." * (
        asymmetry < 1e-4 * float(np.abs(scores).max())
    )
    most = float(np.abs(changed - intact).max())
    if most < 1e-6:
        return "No weight of this head has changed; what changed after it is in the next figure."
    return f"The largest change of a weight is {most:.2f}.{symmetric}"


def turned_bars(cosines: np.ndarray, tokens: Sequence[str], theme: Theme) -> go.Figure:
    """Show for each token the cosine between its final vectors, intact and changed."""
    bars = go.Bar(
        x=style.plot_labels(tokens),
        y=cosines.astype(np.float32),
        marker={"color": style.COLORS["output"][theme]},
        hovertemplate="%{x}: cosine %{y:.3f}<extra></extra>",
    )
    return style.drawn(
        bars, theme, 300, yaxis={"title": "cosine, changed and intact", "rangemode": "tozero"}
    )


def look_for_turned(cosines: np.ndarray, tokens: Sequence[str], mean: float) -> str:
    """Say which final vector turns most, and how far their mean does."""
    most = int(cosines.argmin())
    if cosines[most] > 0.99999:
        return "No final vector has turned."
    return (
        f"At 1 nothing has changed. {quoted(tokens[most])} turns most, to a cosine of "
        f"{cosines[most]:.2f}; the mean of all final vectors turns to {mean:.2f}."
    )


def turned_table(cosines: np.ndarray, tokens: Sequence[str]) -> dict[str, list[object]]:
    """Write how far each token's final vector turns."""
    return {"token": list(tokens), "cosine": np.round(cosines, 4).tolist()}


def look_for_difference(
    first: np.ndarray, second: np.ndarray, tokens: Sequence[str], allowed: np.ndarray, what: str
) -> str:
    """Say which of the pairs of shared tokens differs most between two sentences.

    Args:
        first: In one sentence: (query, key).
        second: In the other.
        tokens: Those that both share.
        allowed: Whether a token may look at another: (query, key).
        what: What the values are.
    """
    difference = np.abs(np.where(allowed, second, 0) - np.where(allowed, first, 0))
    query, key = np.unravel_index(difference.argmax(), difference.shape)
    share = f"The two sentences share {len(tokens)} token{'s' * (len(tokens) > 1)}"
    if difference[query, key] < 1e-4:
        return f"{share}, and no {what} differs."
    return (
        f"{share}. The {what} that differs most is that of {quoted(tokens[query])} for "
        f"{quoted(tokens[key])}: {first[query, key]:.2f} in yours, {second[query, key]:.2f} in the "
        "second."
    )


MEASURES = {
    "weights of this head": "Where this head looks.",
    "rollout over all blocks": "Weights of all blocks multiplied together, heads averaged.",
    "gradient × input": "How far the final vector moves when a token's vector grows a little.",
    "leave one out": "How far the final vector turns when a token is removed.",
}


def measures_heatmap(shares: np.ndarray, tokens: Sequence[str], theme: Theme) -> go.Figure:
    """Show four answers to "which tokens mattered?": (measure, token), each row summing to 1."""
    heatmap = go.Heatmap(
        z=shares.astype(np.float32),
        x=style.plot_labels(tokens),
        y=list(MEASURES),
        colorscale=style.sequential_scale("output", theme),
        zmin=0,
        colorbar={"title": "share"},
        hovertemplate="%{y}: %{x} %{z:.2f}<extra></extra>",
        xgap=1,
        ygap=2,
    )
    return style.drawn(heatmap, theme, 280, yaxis={"autorange": "reversed"})


def look_for_measures(shares: np.ndarray, tokens: Sequence[str], token: int) -> str:
    """Say which other token each of the first and last measure puts first."""
    others = np.delete(np.arange(len(tokens)), token)
    if len(others) == 0:
        return "There is only one token."
    ranked = np.nan_to_num(shares[:, others])
    looked_at, mattered = (tokens[others[int(ranked[row].argmax())]] for row in (0, 3))
    agree = "It is also" if looked_at == mattered else "But it is"
    return (
        f"Apart from itself it looks most at {quoted(looked_at)}. {agree} {quoted(mattered)} "
        "whose removal turns its final vector most."
    )


def measures_table(shares: np.ndarray, tokens: Sequence[str]) -> dict[str, list[object]]:
    """Write the four measures as a table."""
    columns = {name: np.round(row, 4).tolist() for name, row in zip(MEASURES, shares, strict=True)}
    return {"token": list(tokens), **columns}
