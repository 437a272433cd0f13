"""How a running deployment is told to stop."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from deploycharts.deployment.control import Command, Control, Stopped
from deploycharts.deployment.questions import Questions
from deploycharts.deployment.signals import Signals


def test_on_hold_an_act_goes_on_and_no_other_begins() -> None:
    control = Control()
    control.say(Command.HOLD)

    control.sleep(0.0)
    with pytest.raises(Stopped):
        control.between()
    with pytest.raises(Stopped):
        control.wait(10)


@pytest.mark.parametrize("command", [Command.ROLL_BACK, Command.LEAVE])
def test_to_go_back_wakes_who_sleeps_in_an_act(command: Command) -> None:
    control = Control()
    threading.Timer(0.05, control.say, (command,)).start()

    with pytest.raises(Stopped):
        control.sleep(60)


def test_a_grave_command_is_not_taken_back() -> None:
    control = Control()

    control.say(Command.ROLL_BACK)
    control.say(Command.HOLD)

    assert control.command is Command.ROLL_BACK


def test_a_question_of_a_lane_is_answered_by_the_thread_of_the_terminal() -> None:
    seen: list[str] = []

    def ask(question: str) -> bool:
        seen.append(threading.current_thread().name)
        return question == "Go on?"

    questions = Questions(Control(), ask)
    with ThreadPoolExecutor(2) as pool:
        yes, no = pool.submit(questions.agrees, "Go on?"), pool.submit(questions.agrees, "Really?")
        while not (yes.done() and no.done()):
            questions.answer_next(0.05)

    assert (yes.result(), no.result()) == (True, False)
    assert set(seen) == {threading.main_thread().name}


def test_a_question_is_dropped_when_the_deployment_stops() -> None:
    control = Control()
    questions = Questions(control, lambda _: True)

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(questions.agrees, "Go on?")
        control.say(Command.ROLL_BACK)

        with pytest.raises(Stopped):
            asked.result()


def test_interrupts_are_counted_and_raised_where_it_is_safe() -> None:
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGINT)
        assert signals.count == 1
        assert not signals.is_ordered

        with pytest.raises(KeyboardInterrupt), signals.raising():
            os.kill(os.getpid(), signal.SIGTERM)
        assert signals.is_ordered
