# SPDX-License-Identifier: Apache-2.0
"""The layers of docs/architecture.md, checked from the source: imports point one way, heavy libraries stay put."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# A floor may import from itself and from the floors named for it.
MAY_IMPORT = {
    "studio.gui": {
        "studio.writing",
        "studio.planning",
        "studio.memory",
        "studio.project",
        "studio.formats",
        "studio.settings",
        "backends",
        "resources",
    },
    "studio.writing": {
        "studio.planning",
        "studio.memory",
        "studio.project",
        "studio.formats",
        "studio.settings",
        "studio.prompt_templates",
        "studio.sampling_presets",
        "backends",
        "resources",
    },
    "studio.planning": {
        "studio.project",
        "studio.prompt_templates",
        "studio.sampling_presets",
        "studio.settings",
        "backends",
        "resources",
    },
    "studio.memory": {
        "studio.project",
        "studio.prompt_templates",
        "studio.sampling_presets",
        "studio.settings",
        "backends",
        "resources",
    },
    "studio.project": {"backends", "resources"},
    "studio.formats": {"backends", "resources", "studio.project"},
    "studio.prompt_templates": {"backends", "resources"},
    "studio.sampling_presets": {"backends", "resources"},
    "studio.settings": {"backends", "resources"},
    "backends": {"resources"},
    "resources": set(),
}
MAY_IMPORT["studio.bench"] = MAY_IMPORT["studio.gui"] | {"studio.prompt_templates"}
MAY_IMPORT["studio.batch"] = MAY_IMPORT["studio.gui"]
MAY_IMPORT["studio.cli"] = MAY_IMPORT["studio.gui"] | {"studio.gui", "studio.bench", "studio.batch"}

# Where a library may be imported at all.
AT_HOME = {
    "PySide6": ("studio.gui",),
    "sqlalchemy": ("studio.project", "studio.batch.ledger"),
    "sqlite3": ("studio.project",),
    "httpx": ("backends",),
    "docx": ("studio.formats.docx",),
    "llama_cpp": ("backends.engine", "resources.starter"),
    "torch": ("backends.engine", "resources.starter"),
    "transformers": ("backends.engine",),
    "tokenizers": ("backends.engine.folder_vocabulary", "resources.starter"),
    "safetensors": (),
}

# The studio reaches models through the faces of ``backends`` only.
FACES = {
    "backends.types",
    "backends.errors",
    "backends.base",
    "backends.client",
    "backends.embedder",
    "backends.lanes",
    "backends.catalog",
    "backends.local_models",
    "backends.remote",
    "backends.server_address",
    "backends.server_errors",
    "backends.prose_stream",
    "backends.step_times",
    "backends.text",
    "backends",
}


def modules() -> list[tuple[str, Path]]:
    paths = [path for top in ("backends", "studio", "resources") for path in sorted((ROOT / top).rglob("*.py"))]
    return [(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), path) for path in paths]


def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def floor_of(module: str) -> str | None:
    floors = [floor for floor in MAY_IMPORT if module == floor or module.startswith(f"{floor}.")]
    return max(floors, key=len, default=None)


@pytest.mark.parametrize(("module", "path"), modules(), ids=[name for name, _ in modules()])
def test_imports_point_one_way(module: str, path: Path) -> None:
    floor = floor_of(module)
    if floor is None or module.startswith("resources.starter"):
        return
    for name in imports_of(path):
        target = floor_of(name)
        if target is None or target == floor:
            continue
        assert target in MAY_IMPORT[floor], f"{module} imports {name}"
        if floor.startswith("studio") and target == "backends":
            face = ".".join(name.split(".")[:2])
            assert face in FACES, f"{module} reaches past the faces of backends: {name}"


@pytest.mark.parametrize(("module", "path"), modules(), ids=[name for name, _ in modules()])
def test_heavy_libraries_stay_at_home(module: str, path: Path) -> None:
    for name in imports_of(path):
        homes = AT_HOME.get(name.split(".")[0])
        assert homes is None or module.startswith(homes), f"{module} imports {name}"


def test_modules_stay_readable() -> None:
    long = {name: lines for name, path in modules() if (lines := len(path.read_text().splitlines())) > 600}
    assert not long


def test_torch_is_imported_by_its_engine_alone() -> None:
    home = {"backends.engine.pytorch", "backends.engine.torch_model", "backends.engine.torch_cache"}
    imports = {name: imports_of(path) for name, path in modules() if name.startswith("backends")}
    heavy = {
        name for name, found in imports.items() if {"torch", "transformers"} & {each.split(".")[0] for each in found}
    }
    assert heavy == home
    # Whoever else imports these does it when a folder is opened.
    assert {name for name, found in imports.items() if home & found} - home == {"backends.engine"}
    opening = (ROOT / "backends" / "engine" / "__init__.py").read_text(encoding="utf-8")
    assert "pytorch" not in opening.split("def ")[0]


@pytest.mark.parametrize("face", ["--help", "write --help"])
def test_help_loads_nothing_heavy(face: str) -> None:
    probe = (
        "import sys, studio.cli.main as m\n"
        f"try: m.main({face.split()!r})\nexcept SystemExit: pass\n"
        "heavy = {'PySide6', 'llama_cpp', 'torch', 'transformers', 'tokenizers', 'sqlalchemy', 'numpy', 'httpx'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
