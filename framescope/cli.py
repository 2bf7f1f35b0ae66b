"""The root command: a table of the commands, each imported when it is called."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.resources import files
from typing import Annotated, Any

import typer

from framescope.classifier.cli.shared import SETTINGS, Grouped, describe_options
from framescope.classifier.errors import FramescopeError, StoppedError
from framescope.version import __version__

# typer carries its own copy of click; this is that copy's UsageError, by public means.
_UsageError = typer.BadParameter.mro()[1]
_INTERRUPTED = 130  # what typer makes of a KeyboardInterrupt


_FOR = {
    "Score": (
        ("score", "classifier.cli.score:score", "Score the sentences of one or more articles."),
        ("signals", "classifier.cli.score:signals",
         "List the signals: what each means, where it comes from, which a model gives."),
        ("sources", "classifier.cli.sources:sources_app",
         "The registry of outlets: look one up, list them, check them."),
    ),
    "Score at scale": (
        ("batch", "classifier.batch.commands:batch",
         "Score very many articles into a folder of tables (extra: batch)."),
        ("query", "classifier.batch.commands:query", "Query a run with SQL (extra: batch)."),
        ("overview", "classifier.batch.commands:overview",
         "Write a run as one page: outlets side by side, over time, samples (extra: batch)."),
        ("serve", "classifier.service.commands:serve",
         "Score articles over HTTP, with a page to paste texts into (extra: serve)."),
        ("drift", "eval.commands.bundles:drift",
         "Report whether incoming articles have drifted (extra: batch)."),
    ),
    "Label": (
        ("annotate", "training.commands.annotate:app",
         "Send articles to an annotation tool, and get their labels back."),
        ("labels", "training.commands.labelled:labels_app",
         "Check labels; measure how far annotators agree, and merge theirs (extra: annotate)."),
    ),
    "Train": (
        ("corpora", "training.commands.labelled:corpora_app",
         "List the labelled corpora: present or not, rows, labels, licence."),
        ("train", "training.commands.train:app",
         "Learn from your own labels in seconds, or train a whole model (extra: training)."),
        ("calibrate", "eval.commands.bundles:calibrate",
         "Fit a bundle's calibration and thresholds on your own labels."),
    ),
    "Evaluate": (
        ("eval", "eval.commands.judge:app",
         "Evaluate bundles on articles they were not trained on."),
        ("bundles", "eval.commands.bundles:app",
         "Compare bundles over time, promote one, roll back, copy them elsewhere."),
    ),
}  # fmt: skip
# The title, the place and the help of each command.
COMMANDS = {name: (title, *entry) for title, rows in _FOR.items() for name, *entry in rows}


class Root(Grouped):
    """Finds commands in the table, and lists them under their titles."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][1].partition(":")
        found = getattr(import_module(f"framescope.{module}"), attribute)
        outer = typer.Typer(rich_markup_mode=None)
        if isinstance(found, typer.Typer):
            outer.add_typer(found, name=cmd_name)
        else:
            outer.command(cmd_name)(found)
        command = typer.main.get_group(outer).commands[cmd_name]
        describe_options(command)
        return command

    def list_commands(self, ctx: Any) -> list[str]:
        """List the commands in the order of the table."""
        return list(COMMANDS)

    def titled(self) -> Iterator[tuple[str, str, str]]:
        """Yield the title, name and help of each command, without importing it."""
        yield from ((title, name, said) for name, (title, _, said) in COMMANDS.items())

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that is called; suggest one for a name that isn't there."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            close = get_close_matches(args[0], COMMANDS, 1)
            hint = f"; did you mean '{close[0]}'?" if close else ""
            ctx.fail(f"No such command '{args[0]}'{hint}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="framescope",
    cls=Root,
    help="Who says so, how it is framed, and whose words they are, sentence by sentence.",
    no_args_is_help=True,
    context_settings=SETTINGS,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich's help costs a third of a second
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"framescope {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit status; an interruption without a word is raised."""
    command = typer.main.get_command(app)
    try:
        status = command.main([*arguments], prog_name="framescope", standalone_mode=False)
    except StoppedError as error:
        return _fail(str(error), error.status)
    except FramescopeError as error:
        return _fail(str(error))
    except _UsageError as error:  # type: ignore[misc]
        return _refuse(error, arguments)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except OSError as error:  # a full disk, say; a reader that has stopped is typer's business
        return _fail(f"{error.filename or 'output'}: {error.strerror or error}")
    if status == _INTERRUPTED:
        raise KeyboardInterrupt
    return status if isinstance(status, int) else 0


def _refuse(error: Any, arguments: Sequence[str]) -> int:
    context = getattr(error, "ctx", None)
    message = error.format_message()
    if context is not None and message == context.get_help():
        typer.echo(message, err=True)  # called without a command
        return 2
    name = context.command_path if context is not None else "framescope"
    removed = _removed(name.removeprefix("framescope").split(), arguments)
    return _fail(removed or f"{message.rstrip('.')}; see: {name} --help")


def _removed(path: Sequence[str], arguments: Sequence[str]) -> str | None:
    typed = f" {' '.join(arguments)} ".replace("=", " ")
    table = files("framescope").joinpath("removed.tsv").read_text(encoding="utf-8")
    for line in table.splitlines():
        command, option, message = line.split("\t")
        words = command.split()
        name = option or " ".join(words[len(path) :])
        if words[: len(path) if not option else None] == [*path] and name and f" {name} " in typed:
            return message
    return None


def _fail(message: str, status: int = 2) -> int:
    typer.echo(f"framescope: {' '.join(message.split())}", err=True)
    return status
