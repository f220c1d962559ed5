"""Files that an input names, in a workspace that an earlier step has poisoned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.cli import Shell
from tests.support.no_files import NO_FILES
from tests.support.scene import Scene

INPUTS = {
    "config": {"mode": "process"},
    "data-file": {"mode": "create", "object_id": "m"},
    "output": {"mode": "update-snapshot", "commit": "false"},
}


def run(scene: Scene, name: str, folder: Path, file: str) -> tuple[int, str]:
    inputs = dict(INPUTS[name])
    found = scene.run(inputs.pop("mode"), workspace=folder, **inputs, **{name.replace("-", "_"): file})
    assert "bug" not in found.error and scene.repository.issues() == []
    return found.exit_code, found.error


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("kind", NO_FILES)
def test_file__that_is_none_or_has_no_end_is_told_and_not_waited_for(
    scene: Scene, tmp_path: Path, name: str, kind: str
) -> None:
    NO_FILES[kind](tmp_path / "given")
    code, said = run(scene, name, tmp_path, "given")
    assert code in (1, 2) and "'given'" in said


@pytest.mark.parametrize("name", INPUTS)
def test_file__behind_a_link_out_of_the_workspace_is_not_read(scene: Scene, tmp_path: Path, name: str) -> None:
    outside, folder = tmp_path / "secret", tmp_path / "workspace"
    outside.write_text("store: {} # top secret", encoding="utf-8")
    folder.mkdir()
    (folder / "link").symlink_to(outside)
    for given in ("link", "../secret", str(outside)):
        code, said = run(scene, name, folder, given)
        assert (code, "is not inside the workspace" in said, "top secret" in said) == (2, True, False)


HOMELESS = "~no-such-login/file"
COMMANDS = {
    "create": ["create", "m", f"@{HOMELESS}"],
    "config": ["list", "--config", HOMELESS],
    "output": ["get", "m", "--output", HOMELESS],
    "snapshot": ["snapshot", "--output", HOMELESS],
    "export": ["export", "--output", HOMELESS],
    "site": ["site", "--output", HOMELESS],
    "jsonl": ["update", "--jsonl", HOMELESS],
    "journal": ["update", "--jsonl", "-", "--journal", HOMELESS],
    "validate": ["validate", "m.json", "--as", "m", "--config", HOMELESS],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_path__in_the_home_of_nobody_is_told_and_not_made(scene: Scene, tmp_path: Path, name: str) -> None:
    scene.make("m", {"count": 1})
    (tmp_path / "m.json").write_text("{}", encoding="utf-8")
    shell = Shell(scene.github, "octo/store", tmp_path, scene.github.token("alice"))
    done = shell.run(*COMMANDS[name])
    assert (done.code, HOMELESS in done.err, "bug" in done.err) == (2, True, False), done.err
    assert not (tmp_path / "~no-such-login").exists()


FORGED = {"in the future": "9999-12-31T23:59:59Z", "at the start": "0001-01-01T00:00:00Z", "nowhere": "soon"}


@pytest.mark.parametrize("when", FORGED)
@pytest.mark.parametrize("format_", ["json", "jsonl", "directory"])
def test_snapshot__whose_times_are_forged_is_made_anew(scene: Scene, tmp_path: Path, when: str, format_: str) -> None:
    scene.make("m", {"count": 1})
    options = {"commit": "false", "format": format_, "output": "data", "workspace": tmp_path}
    assert scene.run("snapshot", **options).exit_code == 0
    place = tmp_path / "data"
    made = {file: file.read_text("utf-8") for file in ([place] if place.is_file() else place.rglob("*.json"))}
    for file, text in made.items():
        time = json.loads(text.split("\n")[0] if format_ == "jsonl" else text)
        old = time.get("snapshot_time") or time["meta"]["updated_at"]
        file.write_text(text.replace(old, FORGED[when]), encoding="utf-8")
    assert scene.run("update", object_id="m", data='{"count": 2}').exit_code == 0
    run = scene.run("update-snapshot", **options)
    assert (run.exit_code, "A full snapshot was made" in run.log) == (0, True)
    text = "".join(file.read_text("utf-8") for file in ([place] if place.is_file() else place.rglob("*.json")))
    assert ('"count": 2' in text or '"count":2' in text) and FORGED[when] not in text
