"""Self-attention: which tokens look at which, what makes them look, and what it explains."""

import streamlit as st

from core.alignment import shared_tokens
from core.attention import SelfAttention
from core.attribution import attention_rollout, gradient_times_input, leave_one_out
from core.embeddings import mean_cosine
from core.heads import compare_pronouns, head_kinds, may_look, received_weight
from pages.ui import bar, compare, matrices
from pages.ui.answers import self_attention as answers
from pages.ui.cached import model
from pages.ui.cached import self_attention as cached
from pages.ui.components.attention_view import attention_view
from pages.ui.components.matrix_view import matrix_view
from pages.ui.controls import self_attention as controls
from pages.ui.controls.cell import Axis, counted, numbered
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
looks = strongest.query if selected.token is None else selected.token
attention = trace.blocks[block].attention
lesson.numbers(
    lambda key: figures.weight_arithmetic(
        attention.q[head].numpy(),
        attention.k[head].numpy(),
        attention.scores[head, looks].numpy(),
        tokens,
        (looks, key),
    ),
    Axis("looked_at", "Looked at", numbered(tokens), int(weights[block, head, looks].argmax())),
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
lesson.numbers(
    lambda row, key: figures.received_arithmetic(weights[row], tokens, key, row),
    Axis("receives_block", "Block", counted(speaker.n_blocks), block),
    Axis("receives", "Token", numbered(tokens), int(received[block].argmax())),
)

lesson.say("projections")
which = controls.projection()
parts, relations = matrices.projection_matrices(
    model.chosen(speaker.id), trace, tokens, block, head, which, colors
)
d_model = parts[0].values.shape[1]
figure(
    "attention-projection",
    f"How does a token's vector become a {matrices.NAMES[which]}?",
    figures.look_for_projection(which, name, d_model, speaker.n_heads),
    lambda: matrix_view(parts, relations, colors=colors, key="projection"),
    lambda: figures.matrix_table(parts[-1].values, tokens),
    f"The matrices X, W and the {matrices.NAMES[which]} of every token in head {name}.",
    lesson.predict("heads", answers.heads(d_model, speaker.n_heads)),
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
after, scores = changed.weights[block, head].numpy(), changed.blocks[block].attention.scores
figure(
    "attention-broken",
    f"What changes in head {name}?",
    figures.look_for_change(weights[block, head], after, scores[head].numpy()),
    figures.head_comparison(
        weights[block, head], after, tokens, allowed, ("intact", "changed"), theme
    ),
    lambda: figures.comparison_table(weights[block, head], after, tokens, allowed),
    f"Weights of head {name}: intact, changed, and the difference.",
    lesson.predict(
        "direction",
        answers.direction(attention.scores[head].numpy(), scores[head].numpy(), tokens, strongest),
    ),
)
turned = cached.turned(sentence, speaker.id, ablation)
figure(
    "attention-turned",
    "What becomes of the final vectors?",
    figures.look_for_turned(turned, tokens, mean_cosine(trace.output, changed.output)),
    figures.turned_bars(turned, tokens, theme),
    lambda: figures.turned_table(turned, tokens),
    "A bar per token: the cosine between its final vectors, changed and intact.",
)

lesson.say("explanation")
if speaker.causal:
    st.info("These four measures are made for encoders; the model that reads here is a decoder.")
elif controls.wants_measures(sentence, speaker.id, len(tokens)):
    shares = cached.token_measures(sentence, speaker.id, block, head, looks)
    figure(
        "attention-explanation",
        f"Which tokens made {quoted(tokens[looks])} what it is?",
        figures.look_for_measures(shares, tokens, looks),
        figures.measures_heatmap(shares, tokens, theme),
        lambda: figures.measures_table(shares, tokens),
        "Heat map of four measures of how much each token mattered.",
        lesson.predict(
            "importance",
            answers.importance(shares, tokens, looks, speaker.n_blocks * speaker.n_heads),
        ),
    )
lesson.code(attention_rollout, gradient_times_input, leave_one_out)

lesson.say("compare")
second = compare.second_sentence()
settings = compare.settings(
    lambda reading: controls.ablation(speaker.n_blocks, speaker.n_heads, reading)
)
shared = cached.shared(sentence, second, speaker.id, block, head, settings) if second else None
if shared:
    figure(
        "attention-compare",
        f"Where does head {name} look otherwise in the second sentence?",
        figures.look_for_difference(*shared.weights, shared.tokens, shared.allowed, "weight"),
        figures.head_comparison(*shared.weights, shared.tokens, shared.allowed, figures.TWO, theme),
        lambda: figures.comparison_table(
            *shared.weights, shared.tokens, shared.allowed, figures.TWO
        ),
        f"Weights of head {name} among shared tokens: both sentences, and the difference.",
    )
elif second:
    compare.nothing_shared()
lesson.code(shared_tokens)

if speaker == model.MINILM:
    lesson.snippet(SENTENCE=sentence, BLOCK=block + 1, HEAD=head + 1)
lesson.next()
