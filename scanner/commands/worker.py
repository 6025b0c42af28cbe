"""The worker: the scans that a service hands out, run on this machine."""

from __future__ import annotations

import typer

from scanner.command import DEFAULT, ConfigOption, said

app = typer.Typer()


@app.command()
def worker(config: ConfigOption = DEFAULT) -> None:
    """Run the scans that `hygie serve` hands out (runs = "workers"), those of this machine's vantage, until stopped."""
    with said():
        from scanner.working import run

        run(config)
