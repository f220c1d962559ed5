"""Bare git repositories: read through a cache of immutable objects, written by the API as git would write them."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from . import git_objects

CONFIG = """[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
[http]
\treceivepack = true
[uploadpack]
\tallowFilter = true
\tallowAnySHA1InWant = true
[receive]
\tdenyDeleteCurrent = ignore
[gc]
\tauto = 0
"""
PROTECTED = "protected-refs"
HOOK = f"""#!/bin/sh
if grep -qxF -- "$1" "${{GIT_DIR:-.}}/{PROTECTED}" 2>/dev/null; then
  echo "error: GH006: Protected branch update failed for $1." >&2
  echo "error: Changes must be made through a pull request." >&2
  exit 1
fi
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a git tree."""

    mode: int
    type: str
    oid: str
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class CommitInfo:
    oid: str
    tree: str
    parents: tuple[str, ...]
    author: tuple[str, str, int]
    committer: tuple[str, str, int]
    message: str


@dataclass(frozen=True, slots=True)
class Identity:
    name: str
    email: str


class GitFailed(Exception):
    """Git said no; the text is its standard error."""


class GitStore:
    """All bare repositories below one directory.

    Args:
        directory: their parent; repository ``o/r`` lives in ``o/r.git``.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(directory),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "LC_ALL": "C.UTF-8",
        }

    def create(self, full_name: str, default_branch: str) -> Path:
        """A new empty bare repository, laid out by hand because that is quicker than ``git init``."""
        git_dir = self.directory / f"{full_name}.git"
        while git_dir.exists():  # of a repository that had this name before
            git_dir = git_dir.with_name(f"_{git_dir.name}")
        for part in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "hooks", "info"):
            (git_dir / part).mkdir(parents=True, exist_ok=True)
        (git_dir / "HEAD").write_text(f"ref: refs/heads/{default_branch}\n")
        (git_dir / "config").write_text(CONFIG)
        hook = git_dir / "hooks" / "update"
        hook.write_text(HOOK)
        hook.chmod(0o755)
        return git_dir

    def run(self, git_dir: str, *arguments: str, stdin: bytes = b"") -> bytes:
        """Standard output of a git command in a repository."""
        done = subprocess.run(
            ["git", "--git-dir", git_dir, *arguments],
            input=stdin,
            capture_output=True,
            env=self.environment,
            check=False,
        )
        if done.returncode:
            raise GitFailed(done.stderr.decode(errors="replace").strip())
        return done.stdout

    def protect(self, git_dir: str, ref: str, on: bool = True) -> None:
        path = Path(git_dir, PROTECTED)
        refs = set(path.read_text().split()) if path.exists() else set()
        refs = refs | {ref} if on else refs - {ref}
        path.write_text("".join(f"{one}\n" for one in sorted(refs)))

    def is_protected(self, git_dir: str, ref: str) -> bool:
        path = Path(git_dir, PROTECTED)
        return path.exists() and ref in path.read_text().split()

    def head(self, git_dir: str, ref: str) -> str | None:
        """Commit a full ref name points to, or None. Reads the files: no process."""
        loose = Path(git_dir, ref)
        try:
            return loose.read_text().strip() or None
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return self._packed(git_dir).get(ref)

    @staticmethod
    def _packed(git_dir: str) -> dict[str, str]:
        try:
            lines = Path(git_dir, "packed-refs").read_text().splitlines()
        except FileNotFoundError:
            return {}
        pairs = [line.split(" ", 1) for line in lines if line and line[0] not in "#^"]
        return {name: oid for oid, name in pairs}

    def refs(self, git_dir: str, prefix: str = "refs/") -> dict[str, str]:
        """Ref names and what they point to, sorted by name."""
        found = dict(self._packed(git_dir))
        root = Path(git_dir)
        for path in (root / "refs").rglob("*"):
            if path.is_file() and path.suffix != ".lock":
                found[path.relative_to(root).as_posix()] = path.read_text().strip()
        return {name: found[name] for name in sorted(found) if name.startswith(prefix)}

    def resolve(self, git_dir: str, default_branch: str, expression: str) -> str | None:
        """Object an expression such as ``HEAD:.github`` or ``main`` or a hash names, or None."""
        revision, colon, path = expression.partition(":")
        oid = self._revision(git_dir, default_branch, revision)
        if oid is None or not colon:
            return oid
        return self.at_path(git_dir, oid, path)

    def _revision(self, git_dir: str, default_branch: str, revision: str) -> str | None:
        if revision in ("HEAD", ""):
            return self.head(git_dir, f"refs/heads/{default_branch}")
        for ref in (revision, f"refs/heads/{revision}", f"refs/tags/{revision}"):
            if ref.startswith("refs/"):
                oid = self.head(git_dir, ref)
                if oid:
                    return oid
        if len(revision) == 40 and self.exists(git_dir, revision):
            return revision
        if "~" in revision or "^" in revision:
            try:
                return self.run(git_dir, "rev-parse", "--verify", "--quiet", revision).decode().strip()
            except GitFailed:
                return None
        return None

    def exists(self, git_dir: str, oid: str) -> bool:
        try:
            self.kind(git_dir, oid)
        except GitFailed:
            return False
        return True

    def at_path(self, git_dir: str, oid: str, path: str) -> str | None:
        """Object at a path below a commit or tree."""
        if self.kind(git_dir, oid) == "commit":
            oid = self.commit(git_dir, oid).tree
        for part in [p for p in path.split("/") if p]:
            if self.kind(git_dir, oid) != "tree":
                return None
            found = [entry for entry in self.tree(git_dir, oid) if entry.name == part]
            if not found:
                return None
            oid = found[0].oid
        return oid

    def kind(self, git_dir: str, oid: str) -> str:
        return _read(self, git_dir, oid)[0]

    def blob(self, git_dir: str, oid: str) -> bytes:
        return _read(self, git_dir, oid)[1]

    def commit(self, git_dir: str, oid: str) -> CommitInfo:
        return _parse_commit(oid, _read(self, git_dir, oid)[1])

    def tree(self, git_dir: str, oid: str) -> tuple[Entry, ...]:
        return _entries(self, git_dir, oid)

    def write(
        self,
        git_dir: str,
        ref: str,
        *,
        author: Identity,
        committer: Identity,
        at: int,
        message: str,
        additions: Mapping[str, bytes],
        deletions: Sequence[str] = (),
    ) -> str:
        """Append a commit to a branch and return its hash."""
        if bad := [path for path in (*additions, *deletions) if not _may_be_a_path(path)]:
            raise GitFailed(f"invalid path '{bad[0]}'")
        parent = self.head(git_dir, ref)
        tree = self.commit(git_dir, parent).tree if parent else None
        for files in (
            dict.fromkeys(deletions),
            {path: git_objects.put(git_dir, "blob", content) for path, content in additions.items()},
        ):
            tree = git_objects.changed(git_dir, lambda oid: _read(self, git_dir, oid), tree, files)
        lines = [f"tree {tree or git_objects.put(git_dir, 'tree', b'')}"]
        lines += [f"parent {parent}"] if parent else []
        lines += [f"author {author.name} <{author.email}> {at} +0000"]
        lines += [f"committer {committer.name} <{committer.email}> {at} +0000", "", message]
        oid = git_objects.put(git_dir, "commit", "\n".join(lines).encode())
        self._move(git_dir, ref, parent, oid)
        return oid

    def _move(self, git_dir: str, ref: str, before: str | None, after: str) -> None:
        """Move a branch under git's own lock, unless a push has moved it meanwhile."""
        path = Path(git_dir, ref)
        lock = path.with_name(f"{path.name}.lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with lock.open("x") as file:
                file.write(f"{after}\n")
        except OSError as problem:
            raise GitFailed(f"cannot lock ref '{ref}': {problem.strerror}") from None
        try:
            if self.head(git_dir, ref) != before:
                raise GitFailed(f"cannot lock ref '{ref}': it is not at {before}")
            lock.replace(path)
        finally:
            lock.unlink(missing_ok=True)


def _may_be_a_path(path: str) -> bool:
    """Whether git takes it into a tree."""
    return "\0" not in path and not any(part.lower() in ("", ".", "..", ".git") for part in path.split("/"))


@lru_cache(maxsize=20_000)
def _read(store: GitStore, git_dir: str, oid: str) -> tuple[str, bytes]:
    """Type and content of an object. Cached for ever: objects never change."""
    found = git_objects.loose(git_dir, oid)
    if found is not None:
        return found
    out = store.run(git_dir, "cat-file", "--batch", stdin=f"{oid}\n".encode())
    head, _, rest = out.partition(b"\n")
    fields = head.split()
    if len(fields) != 3:
        raise GitFailed(f"no object {oid}")
    return fields[1].decode(), rest[: int(fields[2])]


@lru_cache(maxsize=5_000)
def _entries(store: GitStore, git_dir: str, oid: str) -> tuple[Entry, ...]:
    return _loose_entries(git_dir, oid) or _listed_entries(store, git_dir, oid)


def _loose_entries(git_dir: str, oid: str) -> tuple[Entry, ...]:
    """Those of a tree, none where it or an object in it is in a pack."""
    tree = git_objects.loose(git_dir, oid)
    found = []
    for mode, name, entry in git_objects.entries(tree[1]) if tree and tree[0] == "tree" else ():
        kept = git_objects.loose(git_dir, entry)
        if kept is None:
            return ()
        bits = stat.S_IFMT(int(mode, 8)) | stat.S_IMODE(int(mode, 8))
        size = len(kept[1]) if kept[0] == "blob" else 0
        found.append(Entry(bits, kept[0], entry, name.decode(errors="replace"), size))
    return tuple(found)


def _listed_entries(store: GitStore, git_dir: str, oid: str) -> tuple[Entry, ...]:
    lines = store.run(git_dir, "ls-tree", "-z", "-l", oid).split(b"\0")
    found = []
    for line in lines:
        if not line:
            continue
        head, _, name = line.partition(b"\t")
        mode, kind, entry, size = head.decode().split()
        bits = stat.S_IFMT(int(mode, 8)) | stat.S_IMODE(int(mode, 8))
        found.append(Entry(bits, kind, entry, name.decode(errors="replace"), int(size) if size != "-" else 0))
    return tuple(found)


def _parse_commit(oid: str, raw: bytes) -> CommitInfo:
    head, _, message = raw.decode(errors="replace").partition("\n\n")
    tree, parents = "", []
    people: dict[str, tuple[str, str, int]] = {}
    for line in head.split("\n"):
        key, _, value = line.partition(" ")
        if key == "tree":
            tree = value
        elif key == "parent":
            parents.append(value)
        elif key in ("author", "committer"):
            name, _, rest = value.partition(" <")
            email, _, when = rest.partition("> ")
            people[key] = (name, email, int(when.split()[0]))
    return CommitInfo(oid, tree, tuple(parents), people["author"], people["committer"], message)
