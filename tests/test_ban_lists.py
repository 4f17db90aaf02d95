# SPDX-License-Identifier: Apache-2.0
import pytest

from studio.ban_lists import BanListUnusable, named_bans


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LONGHAND_CONFIG", str(tmp_path / "settings.toml"))
    return tmp_path


def test_no_name_bans_nothing():
    assert named_bans("") is None


def test_the_list_of_the_program_is_found_by_its_name():
    bans = named_bans("cliches")
    assert "a testament to" in bans.phrases
    assert bans.patterns


def test_the_authors_own_list_takes_its_place(folder):
    (folder / "bans").mkdir()
    (folder / "bans" / "cliches.txt").write_text("# mine\nonly this\n", encoding="utf-8")
    assert named_bans("cliches").phrases == ("only this",)


def test_a_file_is_read(folder):
    (folder / "mine.txt").write_text("=suddenly\n/very very/\n", encoding="utf-8")
    bans = named_bans(str(folder / "mine.txt"))
    assert (bans.words, bans.patterns) == (("suddenly",), ("very very",))


@pytest.mark.parametrize("content", [None, b"/(/\n", b"\xff\xfe\xff"])
def test_what_cannot_be_used_is_refused(folder, content):
    path = folder / "bad.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BanListUnusable, match=r"bad\.txt cannot be used"):
        named_bans(str(path))
