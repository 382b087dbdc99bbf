"""``bayes-hr data``: the public sources and the panels made of them."""

from __future__ import annotations

from typing import Annotated

import typer

from bayes_hr.terminal import say, say_classes, say_missing

data_app = typer.Typer(
    help="Public sources and the panels made of them.", no_args_is_help=True, rich_markup_mode=None
)


@data_app.command("list", short_help="Public sources, licences, what is cached.")
def list_sources() -> None:
    """Public sources: years and variables, licence, and whether they are in the cache."""
    from bayes_hr.data.fetch import cache_dir
    from bayes_hr.data.parsed import parsed_path
    from bayes_hr.data.sources import SOURCES

    for source in SOURCES.values():
        cached = (cache_dir() / "raw" / source.repo_path).is_file() or parsed_path(source).is_file()
        say(f"{source.id} ({'cached' if cached else 'not cached'})", style="bold")
        say(source.title, indent=2)
        say(source.covers, indent=2)
        say(f"Licence: {source.licence}", indent=2)
    say()
    say(f"Cache: {cache_dir()}")


@data_app.command("fetch", short_help="Fetch sources into the cache.")
def fetch(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="Sources; default: all.")] = None,
) -> None:
    """Fetch public sources into the cache; licence and citation are shown before each download."""
    from bayes_hr.data.fetch import fetch_all
    from bayes_hr.data.sources import SOURCES
    from bayes_hr.progress import progress_bar

    wanted = list(dict.fromkeys(ids or SOURCES))
    with progress_bar("sources", len(wanted)) as advance:
        paths = fetch_all(wanted, progress=lambda done, total, source: advance(1, source.id))
    for name, path in paths.items():
        say(f"{name}: {path}")


@data_app.command("describe", short_help="Rows, classes and gaps of a panel.")
def describe(
    panel: Annotated[str, typer.Argument(metavar="PANEL", help="Name of a panel: ratification.")],
    *,
    treaty: Annotated[str, typer.Option(help="Treaty: CAT or ICCPR.")] = "CAT",
    outcome: Annotated[str, typer.Option(help="Outcome.")] = "hrps_v402",
    regime_rule: Annotated[
        str, typer.Option(help="before_treaty, before_ratification, whole_history or window.")
    ] = "before_treaty",
    regime_window: Annotated[
        tuple[int, int] | None, typer.Option(metavar="FIRST LAST", help="Years of the rule 'window'.")
    ] = None,
    start: Annotated[int | None, typer.Option(help="First year.")] = None,
    end: Annotated[int | None, typer.Option(help="Last year.")] = None,
) -> None:
    """Rows in, dropped with reasons and used; countries by regime class; missing values by decade."""
    import bayes_hr
    from bayes_hr.data.merge import missingness

    found = bayes_hr.load_panel(
        panel,
        treaty=treaty,
        outcome=outcome,
        regime_rule=regime_rule,
        regime_window=regime_window,
        start=start,
        end=end,
    )
    say(f"Panel {found.name}: {treaty}, {outcome}", style="bold")
    say(found.merge.to_text())
    say_classes(found.frame)
    say_missing(missingness(found.frame, [f"{outcome}_sd", *found.covariates]))
    say()
    say(f"Sources: {', '.join(found.sources)} (bayes-hr data list)")
