"""``python -m silo``: the silo command."""

from silo import cli

cli.main()
