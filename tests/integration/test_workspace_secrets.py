"""GitHub's push protection: a secret in an object stops the push, and the run says whose it is and where to go."""

from __future__ import annotations

from pathlib import Path

import pytest

from gh_store_action.domain.snapshots.files import object_at
from gh_store_action.errors import AccessDeniedError
from tests.support import git as real
from tests.support.checkout import BASE, save, workspace_of
from tests.support.scene import OWNER, Scene

pytestmark = pytest.mark.slow

LINK = "https://github.com/octo/store/security/secret-scanning/unblock-secret/2gakJrAududURpxlhIZdNlX14ZZ"
PLACES = {"json": "data/store.json", "jsonl": "data/store.jsonl", "directory": "data/store"}
SECRET = "ghp_aSecretThatIsNone"


def protect(repository: Path, *, kind: str = "GitHub Personal Access Token") -> None:
    """As GitHub answers (the form is that of github.com/palxiao/poster-design/issues/140): it scans what is new."""
    script = rf"""
read old new ref
found=$(git grep -n -F {SECRET} $new -- | cut -d: -f2,3)
[ -z "$found" ] && exit 0
exec >&2
echo 'error: GH013: Repository rule violations found for refs/heads/main.'
echo
echo '- GITHUB PUSH PROTECTION'
echo '  —————————————————————————————————————————'
echo '    Resolve the following violations before pushing again'
echo
echo '    - Push cannot contain secrets'
echo
echo '     (?) Learn how to resolve a blocked push'
echo '     https://docs.github.com/code-security/secret-scanning/pushing-a-branch-blocked-by-push-protection'
echo
echo '      —— {kind} ——————————————————————'
echo '       locations:'
for place in $found; do
echo "         - commit: $new"
echo "           path: $place"
done
echo
echo '       (?) To push, remove secret from commit(s) or follow this URL to allow the secret.'
echo '       {LINK}'
exit 1
"""
    real.add_hook(repository, "pre-receive", script)


def test_publish__a_secret__is_its_own_lesson_with_place_and_link(checkout: Path, remote: Path) -> None:
    protect(remote)

    with pytest.raises(AccessDeniedError) as caught:
        save(workspace_of(checkout), f'{{\n"a": "{SECRET}"}}\n')

    assert str(caught.value) == (
        "GitHub's push protection blocked the push: it found a secret (GitHub Personal Access Token) in "
        "data/store.json:2. Revoke it, because anyone who can read the issue can see it, and remove it from the object "
        f"by an update. If it is not a secret, allow it on GitHub's page. Then try again. GitHub: {LINK}"
    )
    assert SECRET not in str(caught.value)
    assert real.files(remote) == BASE
    assert real.git(checkout, "status", "--porcelain", "--untracked-files=all") == "?? data/store.json\n"
    assert save(workspace_of(checkout), "{}\n").sha
    assert real.git(checkout, "status", "--porcelain") == ""


@pytest.mark.parametrize("format_", PLACES)
@pytest.mark.parametrize("below", [False, True])
def test_action__names_the_object_that_holds_the_secret(scene: Scene, format_: str, below: bool) -> None:
    scene.make("before", {"n": [1, {"odd": '    "x": {'}]})
    number = scene.make("the/one~+", {"deep": {"key": [SECRET]}})
    scene.make("zz", {"n": 1})
    protect(Path(scene.repository.git("rev-parse", "--absolute-git-dir").strip()))
    (scene.folder / "below").mkdir()
    workspace, place = scene.checkout("below/site" if below else "checkout"), PLACES[format_]
    given = {"workspace": workspace.parent if below else workspace, "format": format_}
    given["output"] = f"site/{place}" if below else place

    run = scene.run("snapshot", **given)

    assert run.exit_code == 1
    assert "found a secret (GitHub Personal Access Token) in the object 'the/one~+' (data/store" in run.error
    assert LINK in run.error and SECRET not in run.log and "protected" not in run.error
    assert "'before'" not in run.error and "'zz'" not in run.error
    scene.github.clock.advance(600)
    scene.repository.edit_issue(number, OWNER, body='{"deep": {}}')
    run = scene.run("snapshot", **given)
    assert (run.exit_code, bool(run.outputs["commit-sha"])) == (0, True), run.log
    assert real.git(workspace, "status", "--porcelain") == ""


def test_action__a_secret_elsewhere__is_told_with_its_place(scene: Scene) -> None:
    scene.make("a")
    scene.repository.commit_files({"README.md": SECRET})
    protect(Path(scene.repository.git("rev-parse", "--absolute-git-dir").strip()))

    run = scene.run("snapshot", workspace=scene.checkout(), output="data/store.json")

    assert "found a secret (GitHub Personal Access Token) in README.md:1. Revoke it" in run.error


def test_object_at__a_line_before_all_objects__is_of_none() -> None:
    text = b'{\n  "objects": {\n    "a": {\n      "data": {\n        "b": {\n'
    assert [object_at("", text, line) for line in (1, 2, 3, 4, 5)] == ["", "", "a", "a", "a"]
    assert object_at("", b'{"object_id":"a","data":{}}\n{"left_out":[1]}\n', 1) == "a"


def test_action__several_objects__are_all_named(scene: Scene) -> None:
    for name in ("a", "b", "c"):
        scene.make(name, {"key": SECRET if name != "b" else ""})
    protect(Path(scene.repository.git("rev-parse", "--absolute-git-dir").strip()))

    run = scene.run("snapshot", workspace=scene.checkout(), output="data/store", format="directory")

    assert "in the objects 'a' (data/store/objects/a.json:3), 'c' (data/store/objects/c.json:3). Revoke" in run.error


def test_action__a_secret_in_a_history__is_told_with_its_object(scene: Scene) -> None:
    number = scene.make("the/one", {"key": SECRET})
    scene.github.clock.advance(600)
    scene.post(number, '{"key": ""}')
    scene.run("process", issue_number=number)
    protect(Path(scene.repository.git("rev-parse", "--absolute-git-dir").strip()))

    run = scene.run("snapshot", workspace=scene.checkout(), output="data/store.json", history=True)

    assert "in the object 'the/one' (data/history/" in run.error
    assert SECRET not in run.log


def test_api__a_secret__says_how_to_find_it(scene: Scene) -> None:
    """GitHub's words: github.com/changesets/action/pull/391."""
    scene.make("a")
    scene.github.faults.graphql_errors(
        {
            "type": "UNPROCESSABLE",
            "message": "Repository rule violations found\n\nSecret detected in content.",
            "path": ["createCommitOnBranch"],
        },
        data={"createCommitOnBranch": None},
        match=lambda request: request.operation == "Commit",
    )

    run = scene.run("snapshot", workspace=scene.checkout(), output="data/x.json", commit_via="api")

    assert (run.exit_code, run.operations.count("Commit")) == (1, 1)
    assert "GitHub's push protection found a secret, and refused to commit to the branch main" in run.error
    assert "Secret detected in content" in run.error and "`commit-via: git`, a run reports the object" in run.error
