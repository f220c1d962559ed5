"""Virtual time: the only clock of the loopback GitHub, with GitHub's one-second resolution."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

START = 1_760_000_400  # 2025-10-09T09:00:00Z


@lru_cache(maxsize=65_536)
def iso(seconds: int) -> str:
    """Time as GitHub writes it: UTC, whole seconds, ``Z``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=1_024)
def http_date(seconds: int) -> str:
    """Time as an HTTP ``Date`` header."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")


def parse(text: str) -> int | None:
    """Seconds of an ISO-8601 time, or None when it is not one. A fraction is cut off; no zone means UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp())


@dataclass(slots=True)
class Clock:
    """Seconds since the epoch, moved only by ``advance`` and by ``tick`` seconds at each write."""

    now: int = START
    tick: int = 1

    def advance(self, seconds: int) -> int:
        """Move time on and return the new time."""
        self.now += seconds
        return self.now

    def write(self) -> int:
        """The moment of a write."""
        self.now += self.tick
        return self.now
