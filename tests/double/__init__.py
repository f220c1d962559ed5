"""A stateful GitHub over loopback HTTP: REST, GraphQL and git, for tests, the demo and the benchmark.

It models GitHub as documented, or as observed where the documents are silent; see the facts each docstring names.
"""

from .access import Principal
from .clock import Clock, iso
from .events import Event
from .faults import Fault
from .graphql_engine import AliasFault, schema
from .hub import Options, Saved
from .model import BOT
from .repository import CommentView, IssueView, Repository
from .server import Gate
from .service import GitHub
from .traffic import Request

__all__ = [
    "BOT",
    "AliasFault",
    "Clock",
    "CommentView",
    "Event",
    "Fault",
    "Gate",
    "GitHub",
    "IssueView",
    "Options",
    "Principal",
    "Repository",
    "Request",
    "Saved",
    "iso",
    "schema",
]
