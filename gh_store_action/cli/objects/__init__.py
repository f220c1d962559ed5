"""Commands on objects: one, many, and the list of all."""

from __future__ import annotations

from gh_store_action.cli.objects.changing import create, delete, restore, update, upsert
from gh_store_action.cli.objects.checking import validate
from gh_store_action.cli.objects.editing import edit, open_object
from gh_store_action.cli.objects.reading import get, list_objects

COMMANDS = (create, upsert, get, update, edit, delete, restore, list_objects, open_object, validate)
