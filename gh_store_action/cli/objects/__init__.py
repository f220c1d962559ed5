"""Commands on objects: one, many, and the list of all."""

from __future__ import annotations

from gh_store_action.cli.objects.changing import create, delete, restore, update, upsert
from gh_store_action.cli.objects.reading import get, list_objects

COMMANDS = (create, upsert, get, update, delete, restore, list_objects)
