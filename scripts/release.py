"""What a release decides: may this version be tagged, its notes, the tags that move, and what its action.yml says.

    python scripts/release.py prepare 1.2.3 octo/gh-store-action   # version, date and repository, wherever they stand
    python scripts/release.py check 1.2.3     # every reason against it, one a line; `make release-check` runs this
    python scripts/release.py tags v1.2.3     # for GITHUB_OUTPUT: version, floating, prerelease
    python scripts/release.py notes 1.2.3     # its section of CHANGELOG.md
    python scripts/release.py action ghcr.io/org/gh-store-action sha256:…   # action.yml with the image by digest

The release workflow runs the same file, so that what was tried here is what happens there.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(?:alpha|beta|rc)\.[1-9]\d*)?")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
IMAGE = re.compile(r"[a-z0-9.-]+(?::\d+)?(?:/[a-z0-9]+(?:[._-][a-z0-9]+)*)+")
REPOSITORY = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9])*/[\w.-]+")
NOBODY = "org"
"""Stands for the owner until the first release."""


class ReleaseError(Exception):
    """Why there can be no such release, in one line that says what to do."""


@dataclass(frozen=True)
class Version:
    """A version by Semantic Versioning 2.0, with at most a numbered alpha, beta or rc behind it."""

    text: str

    @property
    def prerelease(self) -> bool:
        return "-" in self.text

    @property
    def tag(self) -> str:
        return f"v{self.text}"

    @property
    def floating(self) -> str:
        """The tag that follows the newest release of a major version: a plain tag, because a release's tag never moves
        again (docs: Immutable releases). None for a prerelease: who follows `v1` wants no release candidate."""
        return "" if self.prerelease else f"v{self.text.partition('.')[0]}"


def version_of(text: str) -> Version:
    """A version, from `1.2.3` or its tag `v1.2.3`."""
    bare = text.removeprefix("refs/tags/").removeprefix("v")
    if not VERSION.fullmatch(bare):
        raise ReleaseError(f"{text!r} is no version: write it like 1.2.3, or 1.2.3-rc.1 for a prerelease.")
    return Version(bare)


def notes(changelog: str, version: Version) -> str:
    """The section of a version, without its heading.

    Args:
        changelog: in Keep-a-Changelog form.
    """
    heading = re.compile(rf"^## \[{re.escape(version.text)}\] - (\d{{4}}-\d\d-\d\d)$", re.M)
    found = heading.search(changelog)
    if found is None:
        raise ReleaseError(
            f"CHANGELOG.md has no dated section for {version.text}: `make release-prepare VERSION={version.text} "
            "REPOSITORY=owner/name` gives what stands under [Unreleased] its heading."
        )
    section = re.split(r"^## |^\[[^\]]+\]: ", changelog[found.end() :], maxsplit=1, flags=re.M)[0].strip()
    if not section:
        raise ReleaseError(f"The section of {version.text} in CHANGELOG.md is empty: say what has changed.")
    return section


def pinned_action(text: str, image: str, digest: str) -> str:
    """action.yml with the image by digest in the Dockerfile's place, and not another byte changed."""
    if not IMAGE.fullmatch(image):
        raise ReleaseError(f"{image!r} is no image name without tag: write it like ghcr.io/org/gh-store-action.")
    if not DIGEST.fullmatch(digest):
        raise ReleaseError(f"{digest!r} is no digest: it begins with sha256: and has 64 hexadecimal digits.")
    if len(re.findall(r"^  image: Dockerfile$", text, re.M)) != 1:
        raise ReleaseError("action.yml must say `  image: Dockerfile` exactly once; the release puts the image there.")
    return re.sub(r"^  image: Dockerfile$", f"  image: docker://{image}@{digest}", text, flags=re.M)


def dated(changelog: str, version: Version, day: str) -> str:
    """The changelog with what is unreleased as the section of a version; as it is where there is that section."""
    if re.search(rf"^## \[{re.escape(version.text)}\] - ", changelog, re.M):
        return changelog
    return re.sub(
        r"^## \[Unreleased\]$", f"## [Unreleased]\n\n## [{version.text}] - {day}", changelog, count=1, flags=re.M
    )


def repository_of(project: str) -> str:
    """`owner/name` in pyproject.toml: the one setting that all other places follow."""
    found = re.search(r'^Repository = "https://github\.com/([^"/]+/[^"/]+)"$', project, re.M)
    if found is None:
        raise ReleaseError('pyproject.toml has no line `Repository = "https://github.com/owner/name"`.')
    return found[1]


def named(text: str, old: str, new: str) -> str:
    """The text with one repository in the other's place; the name of an image is in lower case."""

    def instead(found: re.Match[str]) -> str:
        return f"{found[1]}{new.lower()}" if found[1] else new

    return re.sub(rf"(?<![\w.-])(ghcr\.io/)?{re.escape(old)}(?![\w-])", instead, text)


def package_version(source: str) -> str:
    """`__version__` in the package's source."""
    found = re.search(r'^__version__ = "([^"]+)"$', source, re.M)
    if found is None:
        raise ReleaseError('gh_store_action/__init__.py has no line `__version__ = "…"`.')
    return found[1]


def reasons_against(version: Version, files: Mapping[str, str], here: str = "") -> list[str]:
    """Everything that speaks against tagging this version.

    Args:
        files: the texts of the files that `read` gives, by name.
        here: the repository that the release is made in, empty where that is not known.
    """
    reasons = []

    def attempt(step: Callable[[], object]) -> None:
        try:
            step()
        except ReleaseError as error:
            reasons.append(str(error))

    def same_version() -> None:
        own = package_version(files["gh_store_action/__init__.py"])
        if own != version.text:
            raise ReleaseError(f"gh_store_action/__init__.py says {own}, the tag {version.text}: make them agree.")

    def base_pinned() -> None:
        if not re.search(rf"^FROM \S+@{DIGEST.pattern}", files["Dockerfile"], re.M):
            raise ReleaseError(
                "Dockerfile: pin the base image by digest, FROM …:3.13-slim@sha256:…, "
                "so that the same tag gives the same image. `docker buildx imagetools inspect` says which."
            )

    def own_name() -> None:
        name = repository_of(files["pyproject.toml"])
        if name.startswith(f"{NOBODY}/") or (here and name != here):
            step = f"make release-prepare VERSION={version.text} REPOSITORY={here or 'owner/name'}"
            raise ReleaseError(f"pyproject.toml names {name}, another repository: `{step}` changes it everywhere.")

    attempt(own_name)
    attempt(same_version)
    attempt(lambda: notes(files["CHANGELOG.md"], version))
    attempt(lambda: pinned_action(files["action.yml"], "ghcr.io/org/gh-store-action", f"sha256:{'0' * 64}"))
    attempt(base_pinned)
    return reasons


def read(root: Path) -> dict[str, str]:
    """The files that a release looks at."""
    names = ("CHANGELOG.md", "Dockerfile", "action.yml", "gh_store_action/__init__.py", "pyproject.toml")
    return {name: (root / name).read_text(encoding="utf-8") for name in names}


def _check(root: Path, text: str) -> tuple[int, str]:
    version = version_of(text)
    reasons = reasons_against(version, read(root), os.environ.get("GITHUB_REPOSITORY", ""))
    lines = [f"  - {reason}" for reason in reasons]
    if reasons:
        return 1, "\n".join([f"{version.text} cannot be tagged yet:", *lines, ""])
    moves = f"{version.floating} moves to it" if version.floating else "no other tag moves, because it is a prerelease"
    written = "\n".join(f"  | {line}" for line in notes(read(root)["CHANGELOG.md"], version).splitlines())
    return 0, f"{version.text} can be tagged {version.tag}; {moves}. Its notes:\n{written}\n"


def _prepare(root: Path, text: str, repository: str) -> tuple[int, str]:
    version, files = version_of(text), read(root)
    if not REPOSITORY.fullmatch(repository):
        raise ReleaseError(f"{repository!r} is no repository: write it like octo/gh-store-action.")
    source = files["gh_store_action/__init__.py"]
    own = f'__version__ = "{package_version(source)}"'
    new = {
        "CHANGELOG.md": dated(files["CHANGELOG.md"], version, datetime.now(UTC).strftime("%Y-%m-%d")),
        "gh_store_action/__init__.py": source.replace(own, f'__version__ = "{version.text}"'),
    }
    old = repository_of(files["pyproject.toml"])
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True)  # noqa: S607
    for name in filter(None, listed.stdout.decode().split("\0")):
        data = (root / name).read_bytes()
        if name in new or old.encode() in data:
            (root / name).write_text(named(new.get(name) or data.decode(), old, repository), "utf-8", newline="")
    return 0, f"The tree is {repository}'s, and its version {version.text}. Look at `git diff`, and commit it.\n"


def _tags(root: Path, text: str) -> tuple[int, str]:
    version = version_of(text)
    values = {
        "version": version.text,
        "tag": version.tag,
        "floating": version.floating,
        "prerelease": str(version.prerelease).lower(),
    }
    return 0, "".join(f"{key}={value}\n" for key, value in values.items())


def _notes(root: Path, text: str) -> tuple[int, str]:
    return 0, notes(read(root)["CHANGELOG.md"], version_of(text)) + "\n"


def _action(root: Path, image: str, digest: str) -> tuple[int, str]:
    return 0, pinned_action(read(root)["action.yml"], image, digest)


_COMMANDS: Mapping[str, tuple[int | None, Callable[..., tuple[int, str]]]] = {
    "prepare": (2, _prepare),
    "check": (1, _check),
    "tags": (1, _tags),
    "notes": (1, _notes),
    "action": (2, _action),
}


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Returns 0 done, 1 a reason against it, 2 wrong arguments."""
    count, command = _COMMANDS.get(arguments[0] if arguments else "", (None, _check))
    if count != len(arguments) - 1:
        sys.stderr.write(__doc__ or "")
        return 2
    try:
        code, text = command(root, *arguments[1:])
    except ReleaseError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    (sys.stderr if code else sys.stdout).write(text)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
