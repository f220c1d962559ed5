"""How much is imported: a start without work costs what it imports, and so does the image that every job pulls."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import Shell
from tests.support.runner import ROOT
from tests.support.scene import Scene

pytestmark = pytest.mark.slow

OPTIONAL = ("attr", "jsonpatch", "jsonpointer", "jsonschema", "re2", "referencing", "rpds", "yaml")
"""What schemas, JSON Patches and configuration files need."""
SCREEN = ("click", "rich")
ROOMS = ("gh_store_action.action.object_modes", "gh_store_action.snapshots")


def imported(code: str, names: tuple[str, ...], environ: dict[str, str], folder: Path) -> list[str]:
    """Which of these modules a new interpreter has after it ran `code`."""
    whole = f"import sys\n{code}\nprint(*[name for name in {names!r} if name in sys.modules], file=sys.stderr)"
    start = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{whole}"]
    done = subprocess.run(start, cwd=folder, env=environ, capture_output=True, text=True, check=True)
    return done.stderr.splitlines()[-1].split()


def test_action__a_process_with_nothing_to_do_imports_what_it_needs(scene: Scene) -> None:
    number = scene.make()
    job = scene.job("process", issue_number=number)
    before = len(scene.github.requests)

    code = "import os\nfrom gh_store_action.action.main import main\nassert main(os.environ) == 0"
    found = imported(code, (*OPTIONAL, *SCREEN, *ROOMS, "github"), dict(job.prepare()), job.checkout)

    assert found == ["github"]
    assert len(scene.github.requests) == before + 1


def test_command__get_imports_what_it_needs_also_when_its_default_file_is_there(scene: Scene) -> None:
    scene.make("metrics", {"count": 0})
    shell = Shell(scene.github, scene.full_name, scene.folder, scene.token)
    code = (
        "from gh_store_action.cli import program\nassert program.main(['get', 'metrics'], standalone_mode=False) == 0"
    )
    for _ in range(2):
        assert imported(code, (*OPTIONAL, "github"), shell.environ, shell.folder) == ["github"]


def test_image__leaves_out_only_what_the_action_never_imports() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    (purged,) = re.findall(r"pip uninstall (?:--\S+ )+((?:[a-z][a-z-]+ ?)+)", dockerfile)
    modules = [{"markdown-it-py": "markdown_it"}.get(name, name) for name in purged.split()]
    code = (
        f"import importlib, pkgutil, sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        f"sys.modules.update(dict.fromkeys({modules!r}))\n"  # None there makes an import fail
        "import gh_store_action as package\n"
        "names = [one.name for one in pkgutil.walk_packages(package.__path__, 'gh_store_action.', onerror=print)]\n"
        "names = [name for name in names if not name.startswith('gh_store_action.cli')]\n"
        "print(len([importlib.import_module(name) for name in names]))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert int(done.stdout.splitlines()[-1]) > 80 and "cryptography" in modules
