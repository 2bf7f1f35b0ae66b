import os
import sys
from concurrent.futures import ThreadPoolExecutor

from framescope.classifier.output import opened


def test_a_file_appears_when_it_is_whole(tmp_path) -> None:
    path = tmp_path / "report.json"
    with opened(path) as file:
        file.write("“half”")
        file.flush()
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "“half”"
    assert list(tmp_path.iterdir()) == [path]


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
