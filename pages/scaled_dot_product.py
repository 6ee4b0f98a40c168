"""Self-attention: which tokens look at which."""

import plotly.graph_objects as go
from core.attention import scaled_dot_product_attention
from pages.ui import cached, controls
from pages.ui.figure import figure
from pages.ui.figures import style
from pages.ui.lesson import Lesson
from pages.ui.text import quoted

lesson = Lesson("self_attention")
sentence = controls.sentence()
trace = cached.encoder_trace(sentence)
lesson.say("weights")
block, head = controls.block_and_head()
w = trace.weights.numpy()
figure("weights", "Who looks at whom?", f"{quoted(trace.tokens[1])} looks at `the`", style.styled(go.Figure(go.Heatmap(z=w[block, head], colorscale=style.sequential_scale("weights","light"))),"light",400), lambda: {"a":[1,2],"b":["=x","y"]}, "heatmap")
lesson.code(scaled_dot_product_attention)
lesson.next()
