"""Commands about issue forms: form, form-link."""

from gh_store_action.cli.forms.commands import COMMANDS

__all__ = ["COMMANDS"]
