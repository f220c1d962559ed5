"""A stateful GitHub over loopback HTTP: REST, GraphQL and git, for tests, the demo and the benchmark.

It models GitHub as documented, or as observed where the documents are silent; see the facts each docstring names.

Where a test finds what it needs:

- ``GitHub.delays`` (``Delays``): views that lag behind what is written from then on, counted in requests: ``events``,
  ``labels``, ``lists``, ``permissions``, ``comments``. ``Repository.hide_comment_from_reads`` and
  ``hide_issue_from_lists`` hold back one thing, ``reveal`` shows all.
- ``GitHub.faults`` (``Faults``): an error status, a page or plain text at any status (``not_json``), a lost or broken
  answer, a dead process, an untyped GraphQL error (``went_wrong``), a mutation refused inside its request (``refuse``,
  for one of ``REFUSALS``); each before or after the effect.
- ``Repository.stock``: a hundred thousand closed issues with a label of their own each, made when they are asked for.
- ``Repository.lock``, ``unlock``, ``archive``: what each identity may still do is in ``access.py``.
- ``Repository.rename``: the old name redirects. ``Repository.set_workflow_state``: what is on and what is off.
- ``Repository.copy_issue`` (to another repository) and ``renumber_comments`` (in place): what an importer makes.
- ``Options.unknown_fields``: what an older GitHub Enterprise Server's GraphQL does not know.
- ``Repository.workflow_token``, ``Repository.app_token`` (any App, acts as ``name[bot]``), ``GitHub.token`` (a person).
  ``GitHub.delete_user`` and ``remove_member``: who leaves; ``Options.bot_reaction_user``: bots as null reactors.
  ``Options.bots_not_found``: bots of whom the permission endpoint says 404 instead of ``none``.
"""

from .access import Principal
from .clock import Clock, iso
from .events import Event
from .faults import REFUSALS, Fault
from .graphql_engine import AliasFault, schema
from .hub import Options, Saved
from .lag import Delays
from .model import BOT
from .repository import CommentView, IssueView, Repository
from .server import Gate
from .service import GitHub
from .traffic import Request

__all__ = [
    "BOT",
    "REFUSALS",
    "AliasFault",
    "Clock",
    "CommentView",
    "Delays",
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
