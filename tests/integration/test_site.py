"""The mode and the command `site`: the page with its configuration, written beside what is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gh_store_action.errors import InputError, StoreError
from gh_store_action.snapshots import site
from tests.double import GitHub
from tests.support.cli import Shell
from tests.support.scene import Scene

FILES = ["app.css", "app.js", "config.json", "icon.svg", "index.html", "uplot-license.txt"]


def listed(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_site__writes_the_page_with_one_request_and_a_second_time_nothing(scene: Scene, tmp_path: Path) -> None:
    first = scene.run("site", workspace=tmp_path)
    second = scene.run("site", workspace=tmp_path)

    assert (first.exit_code, first.outputs["changed"], first.outputs["requests"]) == (0, "true", "1")
    assert (second.exit_code, second.outputs["changed"], second.outputs["requests"]) == (0, "false", "1")
    assert listed(tmp_path / "_site") == FILES
    assert "The page is in _site; 6 of its 6 files changed." in first.log
    assert "The page is in _site; nothing changed." in second.log


def test_site__tells_the_page_the_store_its_rules_and_its_snapshot(scene: Scene, tmp_path: Path) -> None:
    scene.configure(
        'store:\n  base_label: kept\n  uid_prefix: "id-"\n  processors: ["robot", "github-actions[bot]"]\n'
        "  access: {permission: maintain, users: [bob, ada]}\n"
    )

    scene.run("site", workspace=tmp_path, output="docs/page", snapshot_url="../data/store-snapshot.json")

    assert json.loads((tmp_path / "docs/page/config.json").read_text("utf-8")) == {
        "repository": "octo/store",
        "api": scene.github.api_url,
        "server": scene.github.server_url,
        "snapshot": "../data/store-snapshot.json",
        "rules": {
            "baseLabel": "kept",
            "uidPrefix": "id-",
            "archivedLabel": "archived",
            "processors": ["github-actions[bot]", "robot"],
            "access": [{"match": "*", "permission": "maintain", "users": ["ada", "bob"]}],
            "reactions": {"processed": "+1", "rejected": "-1", "unauthorized": "confused", "initialState": "rocket"},
        },
    }


@pytest.mark.parametrize(
    ("address", "more"),
    [
        ("store-snapshot.json", ""),
        ("https://raw.githubusercontent.com/octo/store/main/s.json", " https://raw.githubusercontent.com"),
    ],
)
def test_site__lets_the_page_ask_its_own_host_the_api_and_the_snapshots_host_alone(
    scene: Scene, tmp_path: Path, address: str, more: str
) -> None:
    scene.run("site", workspace=tmp_path, snapshot_url=address)

    page = (tmp_path / "_site/index.html").read_text("utf-8")
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    host = scene.github.api_url.removesuffix("/api/v3")
    assert f"connect-src 'self' {host}{more};" in policy
    assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "//evil.example/s.json",
        "https://a b/s.json",
        'x".json',
        "x y",
        "https://x.example/'; *",
        "\n",
    ],
)
def test_site__refuses_an_address_that_is_none(address: str) -> None:
    with pytest.raises(InputError, match="address of the snapshot"):
        site.checked_address(address)


def test_site__dry_run_writes_nothing_and_says_what_it_would(scene: Scene, tmp_path: Path) -> None:
    run = scene.run("site", workspace=tmp_path, dry_run="true")

    assert (run.exit_code, run.outputs["changed"], list(tmp_path.glob("_site"))) == (0, "true", [])
    assert "Dry run, nothing was written: The page is in _site; 6 of its 6 files changed." in run.log


def test_site__goes_through_no_link_and_leaves_other_files_alone(scene: Scene, tmp_path: Path) -> None:
    folder = tmp_path / "_site"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    (tmp_path / "precious").write_text("precious")
    (folder / "app.js").symlink_to("../precious")

    run = scene.run("site", workspace=tmp_path)

    assert run.exit_code == 2
    assert "'_site/app.js' is a symbolic link" in run.error
    assert (tmp_path / "precious").read_text() == "precious"
    assert listed(folder) == ["app.js", "mine.txt"]


def test_site__stays_inside_the_workspace(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "in").mkdir()
    (tmp_path / "in/link").symlink_to("../out")
    for path in ("../out", "link", ".git/page"):
        assert scene.run("site", workspace=tmp_path / "in", output=path).exit_code == 2
    assert list((tmp_path / "out").iterdir()) == []


def test_site__without_a_bundle_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    monkeypatch.setattr(site, "files", lambda package: tmp_path)
    with pytest.raises(StoreError, match="no page"):
        site.bundle()


@pytest.fixture
def shell(github: GitHub, scene: Scene, tmp_path: Path) -> Shell:
    shell = Shell(github, "octo/store", tmp_path / "here", github.token("octo"))
    shell.folder.mkdir()
    return shell


def test_command__writes_anywhere_and_says_where(shell: Shell) -> None:
    first = shell.run("site", "--output", "page", "--snapshot-url", "s.jsonl")
    again = shell.run("site", "--output", "page", "--snapshot-url", "s.jsonl")

    folder = shell.folder / "page"
    assert first.json == {"path": str(folder), "files": 6, "changed": True, "dry_run": False}
    assert again.json["changed"] is False
    assert json.loads((folder / "config.json").read_text("utf-8"))["snapshot"] == "s.jsonl"
    assert shell.run("site", "--output", "other", "--dry-run").json["dry_run"] is True
    assert not (shell.folder / "other").exists()
