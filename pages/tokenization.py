import streamlit as st

from pages.ui import controls, menu

menu.require_route()
st.title("tokenization")
st.write(repr(controls.sentence()))
st.write(st.context.theme.type)
