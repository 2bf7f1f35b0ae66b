"""What a user names is listed: folders, patterns, lists; each file once, and as was wished."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from framescope.classifier.errors import InputError
from framescope.classifier.inputs.listing import ListedFile, listed, read_list
from framescope.classifier.inputs.reading import Options, read
from typer.testing import CliRunner
from warcs import HTML, TEXT

from framescope.cli import app

TREE = ("a.txt", "b.html", "drafts/c.html", "drafts/deep/d.txt", "e.log", "f", "g.jpg")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in TREE:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HTML if path.suffix == ".html" else TEXT)
    return tmp_path


def names(folder: Path, *sources: str, **wished: list[str]) -> list[str]:
    found = listed([str(folder / source) for source in sources] or [str(folder)], **wished)
    return [Path(one.name).relative_to(folder).as_posix() for one in found]


def test_a_folder_gives_its_files_with_sizes_and_times(folder):
    told: list[str] = []
    found = listed([str(folder)], tell=told.append)
    known = (folder / "a.txt").stat()
    first = ListedFile(str(folder / "a.txt"), known.st_size, str(known.st_mtime_ns))
    assert found[0] == first
    assert len(found) == 4
    assert told == [
        f"{folder}: left out files that are no articles by their names: 1 .jpg, 1 .log, 1 f"
    ]


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        (["*.html"], [], ["b.html", "drafts/c.html"]),
        ([], ["drafts/*"], ["a.txt", "b.html"]),
        (["*.html", "*.txt"], ["c.*", "*/deep/*"], ["a.txt", "b.html"]),
        (["drafts/*"], ["*.html"], ["drafts/deep/d.txt"]),
        (["*.log"], [], ["e.log"]),
        (["f"], [], ["f"]),
        (["[ab].*"], [], ["a.txt", "b.html"]),
    ],
)
def test_patterns_say_what_is_taken_and_the_second_win(folder, include, exclude, expected):
    wished = {"include": include, "exclude": exclude}
    assert names(folder, **wished) == expected
    read_too = {one.origin.input for one in read(str(folder), Options(**wished))}
    assert read_too == {str(folder / name) for name in expected}


def test_patterns_hold_for_patterns_of_files_too(folder):
    assert names(folder, "**/*.html") == ["b.html", "drafts/c.html"]
    assert names(folder, "**/*.html", exclude=["drafts/*"]) == ["b.html"]


def test_a_file_that_is_named_is_taken_whatever_is_wished(folder):
    assert names(folder, "e.log", include=["*.html"]) == ["e.log"]


def test_each_file_is_listed_once_and_in_order(folder):
    assert names(folder, "drafts/c.html", "b.html", "drafts", "*.html") == [
        "drafts/c.html", "b.html", "drafts/deep/d.txt"
    ]  # fmt: skip


def test_what_is_not_there_is_said(folder):
    for source, expected in (
        ("none.txt", "no such file"),
        ("*.none", "no such file"),
        ("g.jpg/a", "no such file|cannot be opened"),
    ):
        with pytest.raises(InputError, match=expected):
            names(folder, source)
    with pytest.raises(InputError, match="no file there that may hold an article"):
        names(folder, include=["*.none"])
    with pytest.raises(InputError, match="no file there that matches"):
        names(folder, "*.html", exclude=["*"])


def test_addresses_and_standard_input_are_themselves():
    found = listed(["https://orrin.example/*.html", "-"])
    assert found == [ListedFile("https://orrin.example/*.html"), ListedFile("-")]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a.txt\n\n  b c.txt \r\n# no\n", ["a.txt", "b c.txt"]),
        (b"\xef\xbb\xbfa.txt", ["a.txt"]),
        (b"a\nb.txt\0#c.txt\0\0", ["a\nb.txt", "#c.txt"]),
        (b"caf\xe9.txt\n", ["caf\udce9.txt"]),
        (b"", []),
    ],
)
def test_a_list_has_a_name_a_line_or_before_a_nul(data, expected):
    assert read_list(io.BytesIO(data)) == expected


def test_score_takes_patterns(folder, small_bundle):
    command = ["score", str(folder), "--include", "*.html", "--exclude", "drafts/*", "-f", "jsonl"]
    result = CliRunner().invoke(app, [*command, "--model", str(small_bundle), "--quiet"])
    assert result.exit_code == 0, result.output
    assert result.stdout.count('"input"') == 1
    assert str(folder / "b.html") in result.stdout
