"""What a story of the demonstration is: a request, what people do about it, and how it must end."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from ledger.receipts import ACCEPTED
from sandbox.demo.driver import Case, Driver

Script = Callable[[Driver, Case], Awaitable[None]]


@dataclass(frozen=True)
class Expected:
    """How a case must have gone: the exact course of its events, and the texts sent to the citizen."""

    course: str
    """Event kinds in order; an escalation is named by its action, a closing as `closed:outcome`."""
    texts: str = "received result"


@dataclass(frozen=True)
class Story:
    """One request and everything that comes of it."""

    title: str
    shows: str
    request: dict[str, Any]
    script: Script
    expected: Expected
    role: str = "agent"


@dataclass
class Told:
    """A story that has been played, with what the API says of it afterwards."""

    story: Story
    number: str = ""
    case: dict[str, Any] = field(default_factory=dict)
    timeline: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Note everything in which the case did not go as it must."""
        self._compare("course", self.story.expected.course.split(), [_name(event) for event in self.timeline["events"]])
        texts = [message for message in self.timeline["messages"] if message["party"] == "citizen"]
        sent = sorted(message["template"] for message in texts if message["status"] in ACCEPTED)
        self._compare("texts", sorted(self.story.expected.texts.split()), sent)
        for message in self.timeline["messages"]:
            if message["status"] not in ACCEPTED:
                self.faults.append(f"{message['party']} {message['template']}: {message['status']}")

    def _compare(self, what: str, expected: list[str], found: list[str]) -> None:
        if expected != found:
            self.faults.append(f"{what}: expected {' '.join(expected)}; found {' '.join(found)}")


def _name(event: dict[str, Any]) -> str:
    if event["kind"] == "escalated":
        return str(event["action"])
    if event["kind"] == "closed":
        return f"closed:{event['facts']['outcome']}"
    return str(event["kind"])
