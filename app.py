"""The frame around every lesson: its settings, the menu, the controls that all pages share."""

import streamlit as st

from pages.ui import bar, menu, predict

st.set_page_config(page_title="From RNNs to Transformers", page_icon="🔎", layout="wide")
topic, page = menu.route()
bar.bar(topic)
predict.restore()
page.run()
