"""A class at the raw protocol: many sessions in one process, apart from the server's.

    python -m benchmarks.learners ADDRESS PAGE LEARNERS

Prints JSON lines: `joined` when everybody has seen the page, then the answers. A learner is a
websocket with a session of its own. It sends what the browser sends when Enter is pressed: a rerun
with the new value of the sentence box, whose widget id it found in the page's first messages.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.sentences import new_sentence

N_TOKENS = 16
ROUNDS_AT_ONCE = 3  # everybody sends at the same moment, and waits for all the others
SPREAD = 10.0  # s; then one more sentence from everybody within this time
PATIENCE = 60.0  # s
FINISHED = ForwardMsg.ScriptFinishedStatus.FINISHED_SUCCESSFULLY


class Learner:
    """One visitor: a connection, and what the page told it."""

    def __init__(self, page: str, number: int) -> None:
        self.page = page
        self.random_words = random.Random(number)
        self.sentence_box = ""

    async def join(self, address: str) -> None:
        """Open the page and find the sentence box."""
        self.socket = await websockets.connect(
            f"{address.replace('http', 'ws')}/_stcore/stream",
            subprotocols=["streamlit"],
            max_size=None,
            compression=None,
        )
        async with asyncio.timeout(PATIENCE):
            await self.run(BackMsg())
        if not self.sentence_box:
            raise RuntimeError(f"{self.page} has no box for a sentence")

    async def send_sentence(self) -> float:
        """Send a new sentence; give the seconds until its run has finished.

        Raises:
            RuntimeError: If the page shows an error, or nothing with the sentence's words.
        """
        sentence = new_sentence(self.random_words, N_TOKENS)
        request = BackMsg()
        state = request.rerun_script.widget_states.widgets.add()
        state.id, state.string_value = self.sentence_box, sentence
        async with asyncio.timeout(PATIENCE):
            begin = time.perf_counter()
            messages = await self.run(request)
            seconds = time.perf_counter() - begin
        answer = b"".join(messages)
        if not all(f'"{word}"'.encode() in answer for word in sentence.split()):
            raise RuntimeError("the answer does not hold the sentence's tokens")
        return seconds

    async def run(self, request: BackMsg) -> list[bytes]:
        """Ask for a run of the script; give its messages."""
        request.rerun_script.page_name = self.page
        await self.socket.send(request.SerializeToString())
        messages: list[bytes] = []
        while True:
            messages.append(await self.socket.recv())
            message = ForwardMsg.FromString(messages[-1])
            kind = message.WhichOneof("type")
            if kind == "delta" and message.delta.new_element.HasField("exception"):
                raise RuntimeError(message.delta.new_element.exception.message)
            if kind == "delta" and message.delta.new_element.text_input.label == "Your sentence":
                self.sentence_box = message.delta.new_element.text_input.id
            if kind == "script_finished" and message.script_finished == FINISHED:
                return messages


async def main(address: str, page: str, n_learners: int) -> None:
    """Let a class join, then send: all at the same moment, and spread over some seconds."""
    learners = [Learner(page, number) for number in range(n_learners)]
    for learner in learners:
        await learner.join(address)
    print(json.dumps({"joined": n_learners}), flush=True)
    sys.stdin.readline()
    at_once = [
        answer
        for _ in range(ROUNDS_AT_ONCE)
        for answer in await gathered(learner.send_sentence() for learner in learners)
    ]
    spread = await gathered(after(random.uniform(0, SPREAD), learner) for learner in learners)
    print(json.dumps({"at_once": at_once, "spread": spread}), flush=True)
    sys.stdin.readline()


async def after(seconds: float, learner: Learner) -> float:
    """Send a sentence some time later."""
    await asyncio.sleep(seconds)
    return await learner.send_sentence()


async def gathered(answers) -> list[float | str]:
    """Wait for everybody: seconds, or what went wrong."""
    outcomes = await asyncio.gather(*answers, return_exceptions=True)
    return [
        outcome if isinstance(outcome, float) else f"{type(outcome).__name__}: {outcome}"
        for outcome in outcomes
    ]


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
