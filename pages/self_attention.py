"""Self-attention: which tokens look at which, what makes them look, and what it explains."""

import streamlit as st

from core.attention import SelfAttention
from core.attribution import attention_rollout, gradient_times_input, leave_one_out
from core.embeddings import mean_cosine
from core.heads import compare_pronouns, head_kinds, may_look, received_weight
from pages.ui import bar, matrices
from pages.ui.cached import model
from pages.ui.cached import self_attention as cached
from pages.ui.components.attention_view import attention_view
from pages.ui.components.matrix_view import matrix_view
from pages.ui.controls import self_attention as controls
from pages.ui.figure import figure
from pages.ui.figures import self_attention as figures
from pages.ui.figures import style
from pages.ui.lesson import Lesson
from pages.ui.text import quoted

TIRED = "The animal didn't cross the street because it was too tired."
WIDE = "The animal didn't cross the street because it was too wide."

lesson = Lesson("self_attention")
sentence, speaker = bar.sentence(), bar.speaker()
theme, colors = bar.theme(), style.colors(bar.theme())
block, head = bar.block_and_head()
name = matrices.head_name(block, head)
trace = model.trace(sentence, speaker.id)
tokens = model.labels(trace.reading)
weights = trace.weights.numpy()
allowed = may_look(trace).numpy()
kinds = cached.head_kinds(sentence, speaker.id)

lesson.say("weights")
strongest = figures.strongest_link(weights[block, head], tokens)
selected = controls.selection(weights.shape, strongest.query)
figure(
    "attention",
    "Which tokens does each token look at?",
    figures.look_for_links(weights[block, head], tokens, selected.token, name, kinds[block][head]),
    lambda: attention_view(
        weights,
        tokens,
        kinds,
        selected,
        causal=speaker.causal,
        colors=colors,
        key="attention",
        on_change=lambda: controls.keep_selection("attention", weights.shape, strongest.query),
    ),
    lambda: figures.weights_table(weights[block, head], tokens, allowed),
    f"Attention weights of all heads on the sentence; in focus is head {name}.",
)
lesson.code(head_kinds)

lesson.say("sinks")
received = received_weight(trace.weights).numpy()
figure(
    "attention-received",
    "How much attention does each token receive?",
    figures.look_for_sink(received, tokens, allowed),
    figures.received_heatmap(received, tokens, theme),
    lambda: figures.received_table(received, tokens),
    "Heat map of the mean weight that each token receives in each block.",
)

lesson.say("projections")
which = controls.projection()
parts, relations = matrices.projection_matrices(
    model.chosen(speaker.id), trace, tokens, block, head, which, colors
)
figure(
    "attention-projection",
    f"How does a token's vector become a {matrices.NAMES[which]}?",
    f"Head {name} uses {parts[1].values.shape[1]} of the {parts[0].values.shape[1]} columns of "
    f"$W_{which}$. Every number is one row times one column, plus the bias.",
    lambda: matrix_view(parts, relations, colors=colors, key="projection"),
    lambda: figures.matrix_table(parts[-1].values, tokens),
    f"The matrices X, W and the {matrices.NAMES[which]} of every token in head {name}.",
)
lesson.code(SelfAttention.forward)

lesson.say("pronouns")
if speaker != model.MINILM:
    bar.default_reads()
pronouns = cached.pronoun_trace(TIRED, WIDE, "it", ("animal", "street"))
links = figures.telling_heads(pronouns.weights.numpy(), pronouns.changes_side.numpy())
figure(
    "attention-pronouns",
    "Where does *it* look when *tired* becomes *wide*?",
    figures.look_for_pronouns(pronouns.shares.tolist(), pronouns.changes_side.numpy()),
    figures.pronoun_links(links, ("animal", "street"), theme),
    lambda: figures.pronoun_table(pronouns.weights.numpy(), ("animal", "street")),
    "For each telling head, the weight from it to animal and to street in both sentences.",
)
best_block, best_head, *score = cached.pronoun_score()
st.markdown(figures.verdict_on_pronouns(matrices.head_name(best_block, best_head), *score))
lesson.code(compare_pronouns)

lesson.say("break")
ablation = controls.ablation(speaker.n_blocks, speaker.n_heads)
changed = model.trace(sentence, speaker.id, ablation)
after = changed.weights[block, head].numpy()
figure(
    "attention-broken",
    f"What changes in head {name}?",
    figures.look_for_change(
        weights[block, head],
        after,
        changed.blocks[block].attention.scores[head].numpy(),
        mean_cosine(trace.output, changed.output),
    ),
    figures.comparison(weights[block, head], after, tokens, allowed, theme),
    lambda: figures.comparison_table(weights[block, head], after, tokens, allowed),
    f"Weights of head {name}: intact, changed, and the difference.",
)

lesson.say("explanation")
token = strongest.query if selected.token is None else selected.token
if speaker.causal:
    st.info("These four measures are made for encoders; the model that reads here is a decoder.")
elif controls.wants_measures(sentence, speaker.id, len(tokens)):
    shares = cached.token_measures(sentence, speaker.id, block, head, token)
    figure(
        "attention-explanation",
        f"Which tokens made {quoted(tokens[token])} what it is?",
        figures.look_for_measures(shares, tokens, token),
        figures.measures_heatmap(shares, tokens, theme),
        lambda: figures.measures_table(shares, tokens),
        "Heat map of four measures of how much each token mattered.",
    )
lesson.code(attention_rollout, gradient_times_input, leave_one_out)
lesson.next()
