"""The command line; see `consilience.cli.app`."""
