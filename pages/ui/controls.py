"""Every widget that decides what is shown. A widget's key is its name in the address."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import cached, matrices
from pages.ui.components.attention_view import (
    Selection,
    reported_selection,
    valid_selection,
)
from pages.ui.components.matrix_view import (
    CellSelection,
    Matrix,
    Step,
    reported_cell,
    valid_cell,
)
from pages.ui.figures.style import Theme
from pages.ui.menu import Topic
from pages.ui.text import MAX_CHARACTERS, cleaned, parse_matrix, quoted

if TYPE_CHECKING:
    from core.encoder import Ablation
    from core.tokenization import Reading

N_BLOCKS, N_HEADS = 6, 12  # of the reading model
DEFAULT_SENTENCE = "The animal didn't cross the street because it was too tired."


def bar(topic: Topic) -> None:
    """Draw the controls that pages share: the sentence, and block and head where a lesson has them.

    `app.py` draws them, so that they keep their values on the way from page to page.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Your sentence",
            value=DEFAULT_SENTENCE,
            key="sentence",
            bind="query-params",
            max_chars=20 * MAX_CHARACTERS,
            placeholder="Type a sentence and press Enter",
        )
        st.menu_button(
            "Samples", list(cached.sample_sentences()), key="sample", on_click=_read_sample
        )
        if topic.has_heads:
            _number("Block", "block", N_BLOCKS, default=4)
            _number("Head", "head", N_HEADS, default=2)
    for note in sentence_notes():
        st.caption(f":material/info: {note}")


def sentence_notes() -> list[str]:
    """Say what was changed or left out before the model read the sentence."""
    text, notes = cleaned(st.session_state["sentence"])
    if not text:
        return [*notes, "Nothing to read yet. Here is the first sample; type a sentence above."]
    why = cached.sample_sentences().get(text)
    if why and text != DEFAULT_SENTENCE:
        notes.append(why)
    left_out = cached.reading(text).n_left_out
    if left_out:
        notes.append(f"The model reads 128 tokens; the last {left_out} of this text are left out.")
    return notes


def sentence() -> str:
    """Give the sentence to read: the learner's, cleaned, or the default if there is none."""
    return cleaned(st.session_state["sentence"]).text or DEFAULT_SENTENCE


def theme() -> Theme:
    """Name the theme that the visitor's browser shows."""
    return "dark" if st.context.theme.type == "dark" else "light"


def block_and_head() -> tuple[int, int]:
    """Give the block and head to look at, counted from 0."""
    return st.session_state["block"] - 1, st.session_state["head"] - 1


def choose(**choices: int) -> None:
    """Set controls from what was chosen inside a figure (counted from 0); call it in a callback."""
    for key, value in choices.items():
        st.session_state[key] = value + 1


def _number(label: str, key: str, last: int, default: int) -> None:
    """Ask for a number from 1 to `last`."""
    st.selectbox(
        label,
        range(1, last + 1),
        index=default - 1,
        key=key,
        bind="query-params",
        persist_state="session",
        width=90,
    )


def _read_sample() -> None:
    """Make the chosen sample the sentence that all pages read."""
    st.session_state["sentence"] = st.session_state["sample"]


def selection(shape: Sequence[int], default_token: int) -> Selection:
    """Give what the attention figure shows: block and head, and what the address says of the rest.

    Args:
        shape: The shape of the weights shown: (block, head, query, key).
        default_token: The token that looks unless somebody chose another.
    """
    block, head = block_and_head()
    asked = st.query_params.to_dict()
    token, share = _whole(asked.get("token", "")), _whole(asked.get("share", ""))
    chosen = Selection(
        block,
        head,
        None if asked.get("token") == "all" else default_token if token is None else token - 1,
        asked.get("view", "arcs"),
        0.7 if share is None else share / 100,
    )
    return valid_selection(asdict(chosen), shape) or Selection(block, head, default_token)


def keep_selection(key: str, shape: Sequence[int], default_token: int) -> None:
    """Put what was chosen in the attention figure into the controls and the address."""
    chosen = reported_selection(key, shape)
    if chosen is None:
        return
    choose(block=chosen.block, head=chosen.head)
    token = "all" if chosen.token is None else str(chosen.token + 1)
    _note("token", token, str(default_token + 1))
    _note("view", chosen.view, "arcs")
    _note("share", f"{100 * chosen.share:.0f}", "70")


def _whole(written: str) -> int | None:
    """Read a whole number from an address; None if it is none, or longer than any place here."""
    return int(written) if written.isdecimal() and len(written) < 8 else None


def _note(name: str, value: str, default: str) -> None:
    """Write a value into the address, or leave it out if it is the default."""
    if value != default:
        st.query_params[name] = value
    elif name in st.query_params:
        del st.query_params[name]


def projection() -> matrices.Projection:
    """Ask which of a token's three vectors to make."""
    chosen = st.segmented_control(
        "Make",
        ("q", "k", "v"),
        format_func=str,
        default="q",
        required=True,
        key="make",
        bind="query-params",
    )
    return chosen or "q"  # an address may leave it empty


ABLATIONS = {
    "positions": {"positions": False},
    "own keys": {"shared_qk": True},
    "scaling": {"scale": False},
}


def ablation() -> Ablation:
    """Ask what to take away from the model while it reads."""
    from core.encoder import Ablation

    with st.container(horizontal=True, vertical_alignment="bottom"):
        parts = st.pills(
            "Take away",
            list(ABLATIONS),
            selection_mode="multi",
            default=["own keys"],
            key="without",
            bind="query-params",
            help="Without keys of their own, tokens are found by what they look for: k = q.",
        )
        heads = st.multiselect(
            "Switch heads off",
            [(block, head) for block in range(N_BLOCKS) for head in range(N_HEADS)],
            format_func=lambda place: matrices.head_name(*place),
            key="off",
            bind="query-params",
            placeholder="none",
            max_selections=24,
        )
    changes = {name: value for part in parts for name, value in ABLATIONS[part].items()}
    return Ablation(heads=frozenset(heads), **changes)


def wants_measures(text: str, n_tokens: int) -> bool:
    """Ask whether to compute what takes long; for the default sentence everybody shares it."""
    return text == DEFAULT_SENTENCE or st.toggle(
        f"Compute it for this sentence (about {0.002 * n_tokens**2:.1f} s)",
        key="measures",
        bind="query-params",
    )


MAX_WORDS = 30  # more names than that no longer fit beside a matrix
DEFAULT_WORDS = "dog, puppy, cat, car, van, king, queen, good, bad, apple, banana"


def looked_up_token(reading: Reading) -> int:
    """Ask for a token of the sentence, counted from 0; at first its rarest word."""
    rarity = [
        token_id if token.isalpha() else 0  # ids run from frequent to rare
        for token, token_id in zip(reading.tokens, reading.token_ids, strict=True)
    ]
    names = [f"{number} {token}" for number, token in enumerate(reading.tokens, 1)]
    chosen = st.selectbox(
        "Token",
        names,
        index=rarity.index(max(rarity)),
        key="lookup",
        bind="query-params",
        width=260,
    )
    return names.index(chosen)


def word(label: str, key: str, default: str) -> str:
    """Ask for one word; the default stands in for what no tokenizer can read."""
    typed = st.text_input(label, value=default, key=key, bind="query-params", max_chars=40)
    text = cleaned(typed).text
    return text if cached.pieces(text) else default


def analogy() -> tuple[str, str, str]:
    """Ask for three words: start − minus + plus."""
    start, minus, plus = st.columns(3)
    with start:
        first = word("Start from", "analogy_start", "king")
    with minus:
        second = word("Take away", "analogy_minus", "man")
    with plus:
        third = word("Add", "analogy_plus", "woman")
    return first, second, third


def compared_words(sentence: str) -> tuple[str, ...]:
    """Ask for a list of words; an empty list stands for the words of the sentence."""
    typed = st.text_input(
        "Words, with commas between them",
        value=DEFAULT_WORDS,
        key="compare",
        bind="query-params",
        max_chars=400,
        placeholder="The words of your sentence",
    )
    words = tuple(dict.fromkeys(cleaned(word).text[:40] for word in re.split("[,;،、，]", typed)))
    readable = tuple(word for word in words if cached.pieces(word))
    return readable[:MAX_WORDS] or sentence_words(sentence)


def sentence_words(sentence: str) -> tuple[str, ...]:
    """List the different tokens of the sentence that hold a letter or a digit."""
    reading = cached.reading(sentence)
    inside = [
        token
        for token, (start, end) in zip(reading.tokens, reading.offsets, strict=True)
        if any(character.isalnum() for character in sentence[start:end])
    ]
    return tuple(dict.fromkeys(inside))[:MAX_WORDS]


def word_map(
    sentence: str, compared: tuple[str, ...], word: str
) -> tuple[tuple[str, ...], int, int]:
    """Ask what a map shows: a ready group or words chosen above, the word to measure from, axes."""
    groups = {
        **{name: tuple(words) for name, words in cached.word_groups().items()},
        "the list above": compared,
        "your sentence": sentence_words(sentence),
        "neighbours of the word above": (word, *cached.neighbours(word).tokens),
    }
    group, seen_from, solid = st.columns((3, 2, 1), vertical_alignment="bottom")
    with group:
        words = groups[st.selectbox("Words on the map", groups, key="map", bind="query-params")]
    with seen_from:
        centre = st.selectbox("Measure cosines from", words, key="map_from", bind="query-params")
    with solid:
        n_axes = 3 if st.toggle("3-D", key="map_3d", bind="query-params") else 2
    return words, words.index(centre) if words else 0, n_axes


def two_sentences() -> tuple[str, str, str]:
    """Ask for two sentences and a word that both hold."""
    first, second, shared = st.columns((2, 2, 1))
    texts = [
        column.text_input(
            label, value=default, key=key, bind="query-params", max_chars=MAX_CHARACTERS
        )
        for column, label, key, default in (
            (first, "Sentence one", "bank_one", "Ducks sleep on the bank of the river."),
            (second, "Sentence two", "bank_two", "Robbers stole the gold from the bank."),
        )
    ]
    with shared:
        word_in_both = word("Word in both", "bank_word", "bank")
    return *(cleaned(text).text for text in texts), word_in_both


def own_numbers() -> bool:
    """Ask whether to attend on the sentence or on small matrices that the learner types."""
    source = st.segmented_control(
        "Attend on",
        ("my sentence", "my own numbers"),
        default="my sentence",
        required=True,
        key="source",
        bind="query-params",
    )
    return source == "my own numbers"


def typed_matrices() -> dict[str, cached.Rows] | None:
    """Ask for small matrices Q, K and V; None, with a sentence why, if they do not fit together."""
    typed: dict[str, cached.Rows] = {}
    defaults = {"q": "1 0; 0 1; 1 1", "k": "2 0; 0 1; -1 1", "v": "1 0 0; 0 1 0; 0 0 1"}
    for column, (name, default) in zip(st.columns(3), defaults.items(), strict=True):
        text = column.text_input(
            f"{name.upper()}: rows between semicolons",
            value=default,
            key=f"typed_{name}",
            bind="query-params",
            max_chars=400,
        )
        try:
            typed[name] = parse_matrix(text)
        except ValueError as error:
            column.warning(f"{error}.")
    if len(typed) < 3:
        return None
    if len(typed["q"][0]) != len(typed["k"][0]):
        st.warning("Q and K need rows of the same length: a query is compared with every key.")
        return None
    if not len(typed["q"]) == len(typed["k"]) == len(typed["v"]):
        st.warning("Q, K and V need the same number of rows: one per token.")
        return None
    return typed


def mask() -> str:
    """Ask which keys a query may look at."""
    chosen = st.segmented_control(
        "Mask", cached.MASKS, default="none", required=True, key="mask", bind="query-params"
    )
    return chosen or "none"


def scaled() -> bool:
    """Ask whether to divide the scores by √d_k."""
    return st.toggle("Divide by √d_k", value=True, key="scaled", bind="query-params")


def n_keys() -> int:
    """Ask among how many keys a query chooses."""
    return st.select_slider(
        "Keys to choose from", (8, 16, 64, 128), value=64, key="n_keys", bind="query-params"
    )


def seed() -> int:
    """Ask for the number that decides what is drawn."""
    return st.number_input("Seed", 0, 9_999, value=0, key="seed", bind="query-params", width=140)


def temperature() -> float:
    """Ask by what the scores are divided before softmax."""
    return st.select_slider(
        "Temperature",
        (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
        value=0.5,
        key="temperature",
        bind="query-params",
    )


def output_cell(tokens: Sequence[str], n_columns: int, default_row: int) -> tuple[int, int]:
    """Ask for one number of the output: a token and a column, both counted from 0."""
    with st.container(horizontal=True):
        row = st.number_input(
            f"Token (1 to {len(tokens)})",
            1,
            len(tokens),
            value=default_row + 1,
            key="out_token",
            bind="query-params",
            width=160,
        )
        column = st.number_input(
            f"Column (1 to {n_columns})",
            1,
            n_columns,
            key="out_column",
            bind="query-params",
            width=160,
        )
    return row - 1, column - 1


def cell(
    key: str, parts: Sequence[Matrix], steps: Sequence[Step], default: CellSelection
) -> CellSelection:
    """Give the cell whose arithmetic is shown, from the address if somebody chose one."""
    named = st.query_params.get(key, "").split("-")
    numbers = [_whole(number) for number in named[1:]]
    if len(numbers) != 3 or None in numbers:
        return default
    row, column, step = (number - 1 for number in numbers)
    asked = {"matrix": named[0], "row": row, "column": column, "step": step}
    return valid_cell(asked, parts, steps) or default


def keep_cell(key: str, parts: Sequence[Matrix], steps: Sequence[Step]) -> None:
    """Put the cell that was chosen in a figure into the address."""
    chosen = reported_cell(key, parts, steps)
    if chosen:
        place = (chosen.row + 1, chosen.column + 1, chosen.step + 1)
        st.query_params[key] = "-".join([chosen.matrix or "", *map(str, place)])


def shuffle_seed() -> int:
    """Ask which of the shuffled orders to look at."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            "Shuffle my words",
            icon=":material/shuffle:",
            key="shuffle-next",
            on_click=lambda: choose(shuffle=st.session_state["shuffle"] % 999),
        )
        return st.number_input(
            "Order number", 1, 999, key="shuffle", bind="query-params", width=150
        )


def sinusoid() -> tuple[int, int, float]:
    """Ask for the number of positions, the width and the base of an encoding."""
    length, d_model, base = st.columns(3)
    with length:
        n_positions = st.slider("Positions", 8, 200, value=64, key="pe_length", bind="query-params")
    with d_model:
        width = st.select_slider(
            "$d_{model}$", range(4, 257, 2), value=128, key="pe_width", bind="query-params"
        )
    with base:
        longest = st.select_slider(
            "Base",
            (10, 100, 1_000, 10_000, 100_000, 1_000_000),
            value=10_000,
            key="pe_base",
            bind="query-params",
        )
    return n_positions, width, float(longest)


def dimensions(d_model: int) -> list[int]:
    """Ask which dimensions of the encoding to draw as waves."""
    chosen = st.pills(
        "Dimensions",
        (0, 1, 10, 20, 21, 40, 41, 80, 160, 250),
        selection_mode="multi",
        default=[0, 20, 21, 40],
        key="pe_dims",
        bind="query-params",
    )
    return [dimension for dimension in chosen if dimension < d_model] or [0]


def step_of_positions() -> tuple[int, int]:
    """Ask for a position and by how many tokens to move on from it."""
    position, offset = st.columns(2)
    with position:
        start = st.slider("Position $pos$", 0, 127, value=5, key="pe_from", bind="query-params")
    with offset:
        step = st.slider(
            "Move on by $k$ tokens", 1, 64, value=3, key="pe_step", bind="query-params"
        )
    return start, step


DEFAULT_METHOD = "BPE"
MAX_OWN_TEXT = 20_000  # characters


def vocab_size() -> int:
    """Ask how many pieces the four methods may learn."""
    chosen = st.segmented_control(
        "Vocabulary size",
        (300, 1000, 2000),
        default=1000,
        required=True,
        key="methods_size",
        bind="query-params",
    )
    return chosen or 1_000  # an address that names none leaves none


def training() -> cached.Training:
    """Ask what to learn a vocabulary from, and learn it when the button is pressed.

    What cannot be learned is refused with a sentence; BPE on Alice stands in for it.
    """
    default = cached.Training(cached.alice(), 1_000, DEFAULT_METHOD)
    with st.form("training"):
        typed = st.text_area(
            "Learn from a text of your own",
            key="own_text",
            max_chars=MAX_OWN_TEXT,
            placeholder="Leave it empty to learn from Alice in Wonderland, chapters I to VII",
            persist_state="session",
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            size = st.number_input(
                "Vocabulary size (100 to 5,000)",
                100,
                5_000,
                value=1_000,
                step=100,
                key="train_size",
                bind="query-params",
                width=220,
            )
            method = st.segmented_control(
                "Method",
                list(cached.METHODS),
                default=DEFAULT_METHOD,
                required=True,
                key="train_method",
                bind="query-params",
                wrap=True,
            )
            st.form_submit_button("Learn it", icon=":material/model_training:")
    own_text = typed.strip()[:MAX_OWN_TEXT]
    asked = cached.Training(own_text or cached.alice(), size or 1_000, method or DEFAULT_METHOD)
    try:
        with st.spinner("Learning a vocabulary"):
            cached.trained_reader(asked)
    except ValueError as error:
        st.warning(
            f"That cannot be learned: {quoted(str(error)[:200])}. "
            f"Below is what {DEFAULT_METHOD} learns from Alice."
        )
        return default
    return asked


def merged_word(words: Sequence[str]) -> str:
    """Ask for the word to put together; an empty box stands for the longest of the sentence."""
    typed = st.text_input(
        "A word",
        key="merge_word",
        bind="query-params",
        max_chars=40,
        placeholder="Empty: the longest word of your sentence",
        width=360,
    )
    return cleaned(typed).text or max(words, key=len)[:40]


def merge_step(n_steps: int) -> int:
    """Ask how many merges to show; 0 if there is none."""
    if not n_steps:
        return 0
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for label, change in (("Back", -1), ("Next", 1)):
            st.button(label, key=f"merge-{label}", on_click=_move_merge, args=(change, n_steps))
        return st.slider(
            "Merges made", 0, n_steps, value=1, key="merge", bind="query-params", width=360
        )


def _move_merge(change: int, n_steps: int) -> None:
    st.session_state["merge"] = min(max(st.session_state["merge"] + change, 0), n_steps)
