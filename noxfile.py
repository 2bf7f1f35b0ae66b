"""The checks with every Python that is found: ``nox``, ``nox -s tests-3.13``, ``nox -s lint``."""

import nox

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]

# What isn't installed is passed over and said so; nothing is downloaded.
nox.options.error_on_missing_interpreters = False
nox.options.download_python = "never"
nox.options.sessions = ["lint", "score_only", "tests"]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests; all of them with ``nox -s tests -- -m ""``."""
    session.install("--editable", ".[training,batch,serve,dev]")
    session.run("pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Run the linters and the type checker."""
    session.install("--editable", ".[training,batch,serve,dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


@nox.session(python=PYTHONS)
def score_only(session: nox.Session) -> None:
    """Score with an installation that has no training extra; it makes an environment of its own."""
    session.run(".ci/score-only", env={"PYTHON": f"{session.bin}/python"}, external=True)
