"""The frame around every lesson: its settings, the menu, the controls that all pages share."""

import streamlit as st

from pages.ui import assignment, bar, menu, predict, teacher

st.set_page_config(page_title="From RNNs to Transformers", page_icon="🔎", layout="wide")
assignment.arrive()
topic, page = menu.route()
bar.bar(topic)
assignment.banner(topic.name)
teacher.offer(topic)
predict.restore()
page.run()
