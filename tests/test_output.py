import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from framescope.classifier.errors import InputError
from framescope.classifier.output import check, opened


def test_a_file_appears_when_it_is_whole(tmp_path) -> None:
    path = tmp_path / "report.json"
    with opened(path) as file:
        file.write("“half”")
        file.flush()
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "“half”"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")

    def fail() -> None:
        with opened(path) as file:
            file.write("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("place", ["none/report", "file/report", "folder"])
def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path, place) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    path = tmp_path / place

    def write(path: Path) -> None:
        with opened(path) as file:
            file.write("report")

    for attempt in (check, write):
        with pytest.raises(InputError) as raised:
            attempt(path)
        assert str(raised.value).startswith(f"{path}: can't be written")
        assert "--output" in str(raised.value)
        assert "\n" not in str(raised.value)


def test_a_pipe_is_written_to_and_not_replaced(tmp_path) -> None:
    # A stand-in for /dev/null and its like, which a test had better not risk.
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with ThreadPoolExecutor() as pool:
        read = pool.submit(path.read_text)
        with opened(path) as file:
            file.write("report")
        assert read.result(timeout=5) == "report"
    assert path.is_fifo()
    assert list(tmp_path.iterdir()) == [path]


def test_a_terminal_of_another_encoding_stops_nothing(tmp_path, monkeypatch) -> None:
    with (tmp_path / "terminal").open("w", encoding="ascii") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        with opened(None) as file:
            file.write("“☃”\n")
    assert (tmp_path / "terminal").read_text() == "???\n"
