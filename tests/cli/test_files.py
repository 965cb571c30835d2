"""Files are written whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from vmirom.files import whole_file, write_whole


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_new_file_has_the_bytes_and_ordinary_rights(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        write_whole(tmp_path / "a", b"text")
        write_whole(tmp_path / "b", [b"te", b"xt"], executable=True)
    finally:
        os.umask(mask)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == b"text"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o750
    assert names(tmp_path) == ["a", "b"]


def test_what_stood_there_stays_until_the_end_and_when_it_fails(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), whole_file(path) as out:
        out.write(b"new")
        out.flush()
        assert path.read_bytes() == b"old"
        raise ZeroDivisionError
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_full_disk_leaves_nothing(tmp_path: Path) -> None:
    def pieces() -> list[bytes]:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"), whole_file(tmp_path / "a") as out:
        out.write(b"half")
        pieces()
    assert names(tmp_path) == []


def test_missing_folder_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "none" / "a", b"")


def test_symbolic_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to("target")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"


def test_device_is_written_straight() -> None:
    write_whole(Path("/dev/null"), b"text")
    assert not Path("/dev/null").is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here (Linux has it)")
def test_full_device_is_an_os_error() -> None:
    with pytest.raises(OSError, match="No space"):
        write_whole(Path("/dev/full"), b"text")
