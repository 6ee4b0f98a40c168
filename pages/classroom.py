"""For teachers: lesson links, the projector, questions, and every name in the address."""

from pages.ui import teacher
from pages.ui.lesson import Lesson

lesson = Lesson("classroom")

lesson.say("links")
teacher.link_names()

lesson.say("projector")

lesson.say("questions")

lesson.say("time")

lesson.say("data")

lesson.say("addresses")
teacher.addresses()
