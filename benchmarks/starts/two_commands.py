"""A Typer application with two commands, without rich: what a command line of this kind costs by itself."""

import typer

app = typer.Typer(rich_markup_mode=None)


@app.command()
def one(name: str) -> None:
    """Do one thing."""


@app.command()
def other(name: str) -> None:
    """Do another thing."""


app()
