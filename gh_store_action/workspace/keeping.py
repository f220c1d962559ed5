"""A branch that keeps its newest commits: older ones are squashed into the oldest of them."""

from __future__ import annotations

from gh_store_action.workspace.git import Git

_HEADERS = frozenset({b"tree", b"author", b"committer", b"encoding"})


def kept(git: Git, tip: str, most: int) -> str:
    """A commit with the tip's files and at most `most` commits of history, including itself; empty for none.

    If the tip has no more than that, it is the tip.  Otherwise, its newest commits are made again, each with its files,
    author, time and message; the oldest has no parent.  Signatures are left out, because they would be invalid.
    """
    if not tip or len(git.run("rev-list", f"--max-count={most + 1}", tip).line.split()) <= most:
        return tip
    newest = git.run("rev-list", "--first-parent", f"--max-count={most}", tip).line.split()
    parent = ""
    for commit in reversed(newest):
        again = with_parent(git.run("cat-file", "commit", commit).out, parent)
        parent = git.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=again).line
    return parent


def with_parent(commit: bytes, parent: str) -> bytes:
    """The text of a commit as git stores it, with only this parent, or with none."""
    head, _, message = commit.partition(b"\n\n")
    tree, *rest = [line for line in head.split(b"\n") if line.split(b" ", 1)[0] in _HEADERS]
    parents = [f"parent {parent}".encode()] if parent else []
    return b"\n".join([tree, *parents, *rest]) + b"\n\n" + message
