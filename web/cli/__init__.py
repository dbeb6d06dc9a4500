"""The command line: ``anju …``. Each group of commands lies in a file of its own."""

from __future__ import annotations

import sys

import click

from engine.core.errors import AnjuError, ModelFault
from web.cli import bench, clients, connectors, data, items, run, tools


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """安居：住房保障业务平台。"""


for module in (run, items, clients, data, tools, connectors, bench):
    for one in module.COMMANDS:
        cli.add_command(one)


def main() -> None:
    """Entry of the console script: an error meant for people is one sentence, not a trace."""
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except ModelFault as error:
        for fault in error.faults:
            click.echo(str(fault), err=True)
        sys.exit(1)
    except AnjuError as error:
        click.echo(error.message, err=True)
        sys.exit(1)
