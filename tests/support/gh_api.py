"""A stand-in for `gh api PATH [-f name=value]… [--jq .field]`, for the README's examples: one request, and its answer.

Fields make it a POST, `name[]=value` adds to a list, as in GitHub's command line (manual, "gh api").
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.request


def main(arguments: list[str]) -> int:
    """One request to GITHUB_API_URL with GH_TOKEN."""
    parser = argparse.ArgumentParser(prog="gh")
    parser.add_argument("command", choices=["api"])
    parser.add_argument("path")
    parser.add_argument("-f", "--raw-field", dest="fields", action="append", default=[])
    parser.add_argument("--jq", default="")
    options = parser.parse_args(arguments)
    body: dict[str, str | list[str]] = {}
    for field in options.fields:
        name, _, value = field.partition("=")
        if name.endswith("[]"):
            listed = body.setdefault(name[:-2], [])
            assert isinstance(listed, list)
            listed.append(value)
        else:
            body[name] = value
    request = urllib.request.Request(
        f"{os.environ['GITHUB_API_URL']}/{options.path}",
        data=json.dumps(body).encode() if body else None,
        headers={"Authorization": f"Bearer {os.environ['GH_TOKEN']}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        found = json.load(answer)
    for part in filter(None, options.jq.split(".")):
        found = found[part]
    sys.stdout.write(f"{found if isinstance(found, str) else json.dumps(found)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
