import streamlit as st
from pages.ui import controls, menu
menu.require_route()
st.title("embeddings")
st.write(repr(controls.sentence()))
st.write(st.context.theme.type)
