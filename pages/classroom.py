"""For teachers: ready plans, lesson links, the projector, and every name in the address."""

from pages.ui import classroom
from pages.ui.answers import classroom as answers
from pages.ui.lesson import Lesson

lesson = Lesson("classroom")

lesson.say("plans")
classroom.show_plan(classroom.chosen_plan(), answers.truth)

lesson.say("links")
classroom.link_names()

lesson.say("projector")

lesson.say("questions")

lesson.say("offline")

lesson.say("licence")

lesson.say("data")

lesson.say("addresses")
classroom.addresses()
