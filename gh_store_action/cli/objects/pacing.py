"""How fast many lines may write: as fast as GitHub takes it, told before the first request."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from gh_store_action.store.processing.rounds import Pace

A_WRITE = 1.0  # seconds that GitHub asks to be left behind each: github-facts, section 2
AN_HOUR = 3600.0
MOST_AN_HOUR = 500  # issues and comments: github-facts, section 2
TOLD = 60.0  # seconds of a wait that is worth a word


class Pacing:
    """Waits before a line, as long as what was written asks for.

    Args:
        content: how many issues and comments a line makes.
        say: is told of a wait for the hour's limit.
        now: seconds since the epoch.
        pause: waits that many seconds; tests hand in a clock of their own.
    """

    def __init__(
        self,
        content: int,
        say: Callable[[str], None],
        now: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._content = content
        self._say = say
        self._now = now
        self._pause = pause
        self._hour = Pace(now, MOST_AN_HOUR, AN_HOUR)
        self._next = 0.0

    def forecast(self, lines: int) -> str:
        """What so many lines take, where that is more than an hour has; else empty."""
        content = lines * self._content
        if content <= MOST_AN_HOUR:
            return ""
        hours, rest = divmod(content - 1, MOST_AN_HOUR)
        until = self._now() + hours * AN_HOUR + rest * A_WRITE
        return (
            f"{lines:,} lines are {content:,} issues and comments, and GitHub allows about {MOST_AN_HOUR} per hour: "
            f"done at about {_moment(until)}. You can stop it at any time: the same command continues with the rest."
        )

    def wait(self) -> None:
        """Waits until the next line may write."""
        pause = 0.0 if self._hour.room(self._content - 1) else self._hour.pause
        if pause > TOLD:
            self._say(
                f"Waiting until {_moment(self._now() + pause)}: GitHub allows about {MOST_AN_HOUR} issues and comments "
                "per hour."
            )
        self._pause(max(pause, self._next - self._now(), 0.0))

    def took(self, writes: int) -> None:
        """A line has taken so many requests that write, none where all was there already."""
        self._next = self._now() + writes * A_WRITE
        self._hour.take(min(writes, self._content))


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
