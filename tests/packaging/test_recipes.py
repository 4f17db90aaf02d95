# SPDX-License-Identifier: Apache-2.0
"""The recipes of the packages agree with each other and with the program. Building them is slow and done by hand."""

from __future__ import annotations

import configparser
import os
import plistlib
import re
import struct
import subprocess
import sys
import tomllib
import types
from importlib import metadata
from xml.etree import ElementTree

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from studio.cli.main import COMMANDS
from studio.project.schema import APPLICATION_ID
from tests.packaging.recipes import PACKAGING, ROOT, recipe

LINUX = PACKAGING / "linux"
SCRIPTS = (LINUX / "build", LINUX / "check", PACKAGING / "macos" / "build")

engine_wheel, licences = recipe("engine_wheel"), recipe("licences")


def pins() -> dict[str, str]:
    """Return the pinned versions by canonical names."""
    lines = (PACKAGING / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def spec_names() -> dict[str, object]:
    """Run PyInstaller's recipe with stand-ins for what PyInstaller gives, and return what it defines."""
    seen: dict[str, object] = {"SPECPATH": str(PACKAGING)}

    def analysis(scripts, **given):
        seen.update(given, scripts=scripts)
        return types.SimpleNamespace(binaries=[], datas=[], pure=[], scripts=[])

    for name in ("PYZ", "EXE", "COLLECT", "BUNDLE"):
        seen[name] = lambda *_, _name=name, **given: seen.setdefault(f"all {_name}", []).append(given)
    code = (PACKAGING / "longhand.spec").read_text(encoding="utf-8")
    seen["Analysis"] = analysis
    exec(compile(code, "longhand.spec", "exec"), seen)
    return seen


@pytest.fixture
def spec(monkeypatch):
    hooks = types.ModuleType("PyInstaller.utils.hooks")
    for name in ("collect_data_files", "collect_dynamic_libs", "collect_submodules", "copy_metadata"):
        setattr(hooks, name, lambda of, **_: [of])
    for name in ("PyInstaller", "PyInstaller.utils"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, "PyInstaller.utils.hooks", hooks)
    return spec_names()


def test_every_dependency_is_pinned_within_its_range():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for requirement in map(Requirement, project["dependencies"]):
        assert requirement.specifier.contains(pins()[canonicalize_name(requirement.name)]), requirement


def test_nothing_of_an_extra_is_packaged(spec):
    assert {"torch", "transformers", "safetensors"} <= set(spec["excludes"])
    assert not {"torch", "transformers", "safetensors"} & set(pins())


def test_the_spec_packs_the_program_with_its_commands_models_and_version(spec):
    assert spec["scripts"] == [str(PACKAGING / "longhand.py")]
    assert spec["hiddenimports"] == ["studio", "backends"]
    assert spec["datas"] == ["resources", "studio", "longhand"]
    assert spec["binaries"] == ["llama_cpp"]
    names = [given["name"] for given in spec["all EXE"]]
    assert names == (["longhand", "longhandw"] if sys.platform == "win32" else ["longhand"])


@pytest.mark.parametrize(
    ("name", "source", "wanted"),
    [
        ("PySide6/Qt/plugins/platforms/libqxcb.so", "/venv/PySide6/Qt/plugins/platforms/libqxcb.so", True),
        ("PySide6/Qt/plugins/platformthemes/libqgtk3.so", "/venv/x", False),
        ("PySide6/Qt/lib/libQt6Quick.so.6", "/venv/x", False),
        ("PySide6/Qt/translations/qt_de.qm", "/venv/x", False),
        ("llama_cpp/lib/libggml-cpu-haswell.so", "/venv/x", True),
        ("libpython3.11.so.1.0", "/opt/python/lib/libpython3.11.so.1.0", True),
        ("libssl.so.3", "/usr/lib/x86_64-linux-gnu/libssl.so.3", sys.platform != "linux"),
    ],
)
def test_what_is_packed(spec, name, source, wanted):
    assert spec["wanted"]((name, source, "BINARY")) is wanted


def test_the_engine_is_for_any_processor():
    assert {"-DGGML_NATIVE=OFF", "-DGGML_BACKEND_DL=ON", "-DGGML_CPU_ALL_VARIANTS=ON"} <= set(engine_wheel.OPTIONS)
    assert engine_wheel.requirement() == f"llama-cpp-python=={pins()['llama-cpp-python']}"


def test_a_wheel_is_built_again_only_for_other_options(tmp_path, monkeypatch):
    before = engine_wheel.fingerprint()
    assert before == engine_wheel.fingerprint()
    monkeypatch.setattr(engine_wheel, "OPTIONS", ("-DGGML_NATIVE=ON",))
    assert engine_wheel.fingerprint() != before
    (tmp_path / "llama_cpp_python-1-py3-none-any.whl").touch()
    assert engine_wheel.build(tmp_path, 1).name == "llama_cpp_python-1-py3-none-any.whl"


def test_every_part_that_is_installed_here_has_a_licence():
    for name in licences.distributions():
        try:
            metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        assert all(path.is_file() and path.stat().st_size for path in licences.licences_of(name)), name
        assert licences.licences_of(name), name


def test_the_desktop_entry_opens_the_window_with_what_it_says_it_opens():
    entry = configparser.ConfigParser(interpolation=None)
    entry.optionxform = str
    entry.read(LINUX / "longhand.desktop")
    values = entry["Desktop Entry"]
    program, command, argument = values["Exec"].split()
    assert (program, argument) == ("longhand", "%f")
    assert command in COMMANDS
    assert (ROOT / "resources" / "icons" / f"{values['Icon']}.svg").is_file()
    assert values["MimeType"] == f"{mime_type().attrib['type']};"


def test_project_files_are_known_by_name_and_content():
    places = {"": "http://www.freedesktop.org/standards/shared-mime-info"}
    glob = mime_type().find("glob", places)
    ending = recipe("longhand").PROJECT_ENDING
    assert glob is not None
    assert glob.attrib["pattern"] == f"*{ending}"
    match = mime_type().find("magic/match/match", places)
    assert match is not None
    # The application id stands at offset 68 of SQLite's header, the highest byte first.
    assert (match.attrib["offset"], match.attrib["value"].encode()) == ("68", struct.pack(">I", APPLICATION_ID))


def mime_type() -> ElementTree.Element:
    found = ElementTree.parse(LINUX / "longhand.xml").getroot().find("{*}mime-type")
    assert found is not None
    return found


def test_what_stands_open_in_the_control_file_is_filled_in():
    build, control = ((LINUX / name).read_text(encoding="utf-8") for name in ("build", "control"))
    open_places = set(re.findall(r"@[A-Z_]+@", control))
    assert open_places
    assert open_places == set(re.findall(r"@[A-Z_]+@", build))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: "/".join(path.parts[-2:]))
def test_scripts_can_be_run(script):
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
    named = set(re.findall(r"packaging/[\w./]+", script.read_text(encoding="utf-8")))
    assert all((ROOT / path.rstrip(".")).exists() for path in named), named


def test_windows_and_macos_agree_with_the_program():
    installer = (PACKAGING / "windows" / "longhand.iss").read_text(encoding="utf-8")
    assert "longhandw.exe" in installer
    assert r"Software\Classes\.longhand" in installer
    rights = plistlib.loads((PACKAGING / "macos" / "entitlements.plist").read_bytes())
    assert all(value is True for value in rights.values())


def test_the_workflow_runs_what_there_is():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "packages.yml").read_text(encoding="utf-8"))
    jobs = workflow["jobs"]
    assert set(jobs) == {"linux", "windows", "macos", "release"}
    assert set(jobs["release"]["needs"]) == {"linux", "windows", "macos"}
    words = "\n".join(step.get("run", "") for job in jobs.values() for step in job["steps"]).replace("\\", "/")
    named = set(re.findall(r"packaging/[\w./]+", words))
    assert {"packaging/linux/build", "packaging/linux/check", "packaging/macos/build"} <= named
    assert all((ROOT / path).is_file() for path in named), named


def test_icons_for_windows_and_macos():
    pytest.importorskip("PySide6.QtSvg")
    icons = recipe("icons")
    images = {16: b"sixteen", 256: b"two hundred"}
    data = icons.ico(images)
    assert struct.unpack_from("<HHH", data) == (0, 1, 2)
    for place, (size, image) in enumerate(images.items()):
        width, height, _, _, _, bits, length, offset = struct.unpack_from("<BBBBHHII", data, 6 + 16 * place)
        assert (width, height, bits) == (size % 256, size % 256, 32)
        assert data[offset : offset + length] == image
    everything = {size: bytes([size % 251]) * size for size in icons.ICNS_TYPES.values()}
    data, found, position = icons.icns(everything), {}, 8
    assert data[:8] == b"icns" + struct.pack(">I", len(data))
    while position < len(data):
        kind, length = struct.unpack_from(">4sI", data, position)
        found[kind] = data[position + 8 : position + length]
        position += length
    assert found == {kind: everything[size] for kind, size in icons.ICNS_TYPES.items()}
