"""Your predictions: what was expected, what was so, and what to look at again."""

from pages.ui import summary
from pages.ui.lesson import Lesson

lesson = Lesson("predictions")

lesson.say("list")
summary.predictions()

lesson.say("beliefs")
summary.beliefs()
