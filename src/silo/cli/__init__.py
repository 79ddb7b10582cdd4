"""The silo command: every verb is an HTTP call that a stranger could make.

Only ``serve`` and ``clusters``, which act on files, may open the application.
"""

import gc

# Imports make many objects and no garbage: looking for it would cost a sixth of every start.
gc.disable()

import typer  # noqa: E402

import silo  # noqa: E402

from . import environment, inspect, serve  # noqa: E402
from .clusters import cluster  # noqa: E402
from .containers import container  # noqa: E402
from .why import why  # noqa: E402

gc.enable()

_command = typer.Typer(
    help="Azure's container stack on your own Linux machines.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_command.command("up")(serve.up)
_command.command("down")(serve.down)
_command.command("status")(inspect.status)
_command.command("env")(environment.print_environment)
_command.command(
    "exec", context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)(environment.execute)
_command.command("credentials")(inspect.credentials)
_command.command("doctor")(inspect.doctor)
_command.command("why")(why)
_command.add_typer(serve.audit, name="audit")
_command.add_typer(cluster, name="cluster")
_command.add_typer(container, name="container")


@_command.command("version")
def version() -> None:
    """Print the version."""
    print(silo.__version__)


def main() -> None:
    """Run the command."""
    _command()
