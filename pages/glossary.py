"""Glossary: the words of the field, each with the way to its lesson."""

from pages.ui.controls import glossary as controls
from pages.ui.lesson import Lesson

lesson = Lesson("glossary")

lesson.say("terms")
controls.terms()
