"""How much memory this process had at most.  Imports nothing of the package: gh-store's process uses it too."""

from __future__ import annotations

import resource
from pathlib import Path


def peak() -> float:
    """In MiB.  The kernel's own high-water mark: `ru_maxrss` begins with what the parent had when it forked."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
