"""A release's decisions: which version, which notes, which tags, which image."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from tests.support import git
from tests.support.runner import ROOT


def load() -> ModuleType:
    """scripts/ is no package."""
    spec = importlib.util.spec_from_file_location("release", ROOT / "scripts" / "release.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["release"] = module
    spec.loader.exec_module(module)
    return module


release = load()

DIGEST = f"sha256:{'ab' * 32}"
IMAGE = "ghcr.io/org/gh-store-action"
CHANGELOG = """# Changelog

## [Unreleased]

## [1.2.3] - 2026-11-22

### Added

- This, for [someone](https://example.org).

## [1.2.2] - 2026-01-01

- That.

[1.2.3]: https://example.org/compare
"""
READY = {
    "CHANGELOG.md": CHANGELOG,
    "Dockerfile": f"FROM docker.io/library/python:3.13-slim@{DIGEST}\n",
    "action.yml": "name: x\nruns:\n  using: docker\n  image: Dockerfile\n",
    "gh_store_action/__init__.py": '__version__ = "1.2.3"\n',
    "pyproject.toml": '[project.urls]\nRepository = "https://github.com/octo/store-action"\n',
}


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree that is ready for 1.2.3."""
    for name, text in READY.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "version", "floating", "prerelease"),
    [
        ("1.2.3", "1.2.3", "v1", False),
        ("v1.2.3", "1.2.3", "v1", False),
        ("refs/tags/v10.0.0", "10.0.0", "v10", False),
        ("v0.3.1", "0.3.1", "v0", False),
        ("2.0.0-rc.1", "2.0.0-rc.1", "", True),
        ("v2.0.0-beta.12", "2.0.0-beta.12", "", True),
    ],
)
def test_version__is_read_from_text_or_tag(text: str, version: str, floating: str, prerelease: bool) -> None:
    found = release.version_of(text)
    assert (found.text, found.tag, found.floating) == (version, f"v{version}", floating)
    assert found.prerelease is prerelease


@pytest.mark.parametrize(
    "text", ["", "v1", "1.2", "1.2.3.4", "01.2.3", "1.2.3-", "1.2.3-rc", "1.2.3+b", "vv1.2.3", "1.2.3\n"]
)
def test_version__anything_else_is_none(text: str) -> None:
    with pytest.raises(release.ReleaseError, match="is no version"):
        release.version_of(text)


def test_notes__are_the_section_of_the_version_and_nothing_around_it() -> None:
    assert (
        release.notes(CHANGELOG, release.version_of("1.2.3"))
        == "### Added\n\n- This, for [someone](https://example.org)."
    )
    assert release.notes(CHANGELOG, release.version_of("1.2.2")) == "- That."


@pytest.mark.parametrize(
    ("changelog", "message"),
    [
        ("# Changelog\n\n## [Unreleased]\n\n- x\n", "no dated section"),
        ("## [1.2.3]\n\n- x\n", "no dated section"),
        ("## [1.2.3] - 2026-11-22\n\n## [1.2.2] - 2026-01-01\n\n- x\n", "is empty"),
    ],
)
def test_notes__that_are_not_there_stop_the_release(changelog: str, message: str) -> None:
    with pytest.raises(release.ReleaseError, match=message):
        release.notes(changelog, release.version_of("1.2.3"))


def test_action__names_the_image_by_digest_and_is_else_the_same() -> None:
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    pinned = release.pinned_action(text, IMAGE, DIGEST)
    before, after = yaml.safe_load(text), yaml.safe_load(pinned)
    assert after.pop("runs") == {"using": "docker", "image": f"docker://{IMAGE}@{DIGEST}"}
    assert before.pop("runs") == {"using": "docker", "image": "Dockerfile"}
    assert after == before
    changed = [(a, b) for a, b in zip(text.splitlines(), pinned.splitlines(), strict=True) if a != b]
    assert changed == [("  image: Dockerfile", f"  image: docker://{IMAGE}@{DIGEST}")]


@pytest.mark.parametrize(
    ("text", "image", "digest", "message"),
    [
        (READY["action.yml"], f"{IMAGE}:v1", DIGEST, "no image name"),
        (READY["action.yml"], "GHCR.io/Org/x", DIGEST, "no image name"),
        (READY["action.yml"], IMAGE, "sha256:abc", "no digest"),
        (READY["action.yml"], IMAGE, "", "no digest"),
        ("runs:\n  image: docker://x\n", IMAGE, DIGEST, "exactly once"),
    ],
)
def test_action__is_not_made_from_nonsense(text: str, image: str, digest: str, message: str) -> None:
    with pytest.raises(release.ReleaseError, match=message):
        release.pinned_action(text, image, digest)


def test_check__a_ready_tree_says_what_will_happen(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(["check", "1.2.3"], tree) == 0
    said = capsys.readouterr().out
    assert said.startswith("1.2.3 can be tagged v1.2.3; v1 moves to it.") and "This, for" in said


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("CHANGELOG.md", "# Changelog\n", "no dated section for 1.2.3"),
        ("Dockerfile", "FROM docker.io/library/python:3.13-slim\n", "pin the base image by digest"),
        ("action.yml", "runs:\n  using: docker\n", "exactly once"),
        ("gh_store_action/__init__.py", '__version__ = "1.2.2"\n', "says 1.2.2, the tag 1.2.3"),
        ("gh_store_action/__init__.py", "", "has no line"),
        ("pyproject.toml", "", "has no line"),
        (
            "pyproject.toml",
            'Repository = "https://github.com/org/x"\n',
            "names org/x, another repository: `make release-prepare VERSION=1.2.3 REPOSITORY=owner/name`",
        ),
    ],
)
def test_check__each_reason_against_it_is_said(
    tree: Path, name: str, text: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / name).write_text(text)
    assert release.main(["check", "v1.2.3"], tree) == 1
    said = capsys.readouterr().err
    assert reason in said and said.count("  - ") == 1


def test_check__says_all_reasons_at_once(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in READY:
        (tree / name).write_text("")
    assert release.main(["check", "1.2.3"], tree) == 1
    assert capsys.readouterr().err.count("  - ") == 5


def test_check__of_another_repositorys_run_is_a_reason(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_REPOSITORY", "ada/fork")
    assert release.main(["check", "1.2.3"], tree) == 1
    assert "names octo/store-action, another repository" in capsys.readouterr().err


def test_prepare__puts_version_date_and_repository_everywhere_and_then_nothing_speaks_against_it(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = b"\x89PNG\r\n\xff"
    (tree / "picture.png").write_bytes(picture)
    (tree / "CHANGELOG.md").write_text(
        "# Changelog\n\n## [Unreleased]\n\n- New.\n\n## [1.2.3] - 2026-01-01\n\n- Old.\n"
    )
    (tree / "README.md").write_bytes(
        b"uses: octo/store-action@v1\r\nghcr.io/octo/store-action:v1, github.com/octo/store-action.git,"
        b" octo/store-actions, xocto/store-action\r\n"
    )
    git.git(tree, "init", "--quiet")
    git.git(tree, "add", ".")

    assert release.main(["prepare", "2.0.0", "Ada/Objects"], tree) == 0
    once = {file: file.read_bytes() for file in tree.iterdir() if file.is_file()}
    assert release.main(["prepare", "2.0.0", "Ada/Objects"], tree) == 0

    assert {file: file.read_bytes() for file in tree.iterdir() if file.is_file()} == once
    assert once[tree / "README.md"] == (
        b"uses: Ada/Objects@v1\r\nghcr.io/ada/objects:v1, github.com/Ada/Objects.git,"
        b" octo/store-actions, xocto/store-action\r\n"
    )
    assert once[tree / "picture.png"] == picture
    assert release.main(["check", "2.0.0"], tree) == 0
    assert capsys.readouterr().out.endswith("Its notes:\n  | - New.\n")


def test_this_repository__can_be_tagged_once_it_is_prepared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in filter(None, git.git(ROOT, "ls-files", "-z").split("\0")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    git.git(tmp_path, "init", "--quiet")
    git.git(tmp_path, "add", ".")
    version = release.package_version((ROOT / "gh_store_action" / "__init__.py").read_text(encoding="utf-8"))

    assert release.main(["prepare", version, "Ada/Objects"], tmp_path) == 0
    assert release.main(["check", version], tmp_path) == 0, capsys.readouterr().err

    assert f"{version} can be tagged v{version}; v1 moves to it. Its notes:\n  | " in capsys.readouterr().out
    old = release.repository_of((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    left = [file for file in tmp_path.rglob("*") if file.is_file() and old.encode() in file.read_bytes()]
    assert [str(file.relative_to(tmp_path)) for file in left if ".git" not in file.parts] == []
    assert "uses: Ada/Objects@v1" in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "ghcr.io/ada/objects" in (tmp_path / "SECURITY.md").read_text(encoding="utf-8")


def test_notes__have_no_link_that_leads_nowhere_on_the_page_of_a_release() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\((?!https://)[^)]*\)", changelog) == []


def test_prepare__takes_a_repository_alone(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(["prepare", "2.0.0", "store"], tree) == 1
    assert "'store' is no repository" in capsys.readouterr().err


def test_outputs__are_lines_for_the_workflow(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(["tags", "refs/tags/v1.2.3"], tree) == 0
    assert capsys.readouterr().out == "version=1.2.3\ntag=v1.2.3\nfloating=v1\nprerelease=false\n"
    assert release.main(["notes", "1.2.2"], tree) == 0
    assert capsys.readouterr().out == "- That.\n"
    assert release.main(["action", IMAGE, DIGEST], tree) == 0
    assert f"image: docker://{IMAGE}@{DIGEST}" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["check"], ["check", "1", "2"], ["publish", "1.2.3"]])
def test_command__called_wrong_says_how(tree: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(arguments, tree) == 2
    assert "release.py check" in capsys.readouterr().err


def test_command__refuses_in_one_line(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(["notes", "one"], tree) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_own_tree__has_a_version_that_can_become_a_tag() -> None:
    own = release.package_version((ROOT / "gh_store_action" / "__init__.py").read_text(encoding="utf-8"))
    assert release.version_of(own).text == own
