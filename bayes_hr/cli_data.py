"""``bayes-hr data``: the public sources and the panels made of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from bayes_hr.terminal import (
    say,
    say_classes,
    say_listwise,
    say_missing,
    say_organisations,
    say_phases,
    show_table,
)

if TYPE_CHECKING:
    from bayes_hr.data.panel import Panel

FEW_IGOS: Final = 30
"""Up to this many organisations are listed one by one."""

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


@data_app.command("cite", short_help="Whom to cite, as BibTeX or text.")
def cite(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="CARD",
            help="Id or .toml file of a card, folder of a saved fit, id of a source, or name of a panel.",
        ),
    ],
    form: Annotated[
        Literal["bibtex", "text"], typer.Option("--format", help="BibTeX, or a line of text for each.")
    ] = "bibtex",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write it; default: standard output.")
    ] = None,
) -> None:
    """Whom to cite for exactly what a card uses: its panel's sources, its references, and the software.

    A saved fit also knows with which engine it was computed. Nothing is fetched.
    """
    import bayes_hr

    text = bayes_hr.cite(subject, form=form)
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise bayes_hr.InputError(f"--out {out}: cannot be written ({error.strerror})") from error
    typer.echo(f"Written: {out}", err=True)


@data_app.command("conflicts", short_help="Where the sources of treaty dates differ.")
def conflicts(
    treaty: Annotated[
        str | None, typer.Argument(metavar="TREATY", help="E.g. CAT or CEDAW; default: all.")
    ] = None,
) -> None:
    """Every conflict between the sources of a treaty's dates, the year that was kept, and by which rule."""
    from bayes_hr.data.treaties import TREATIES, get_treaty, treaty_conflicts

    found = treaty_conflicts(treaty)
    header = ["state", "COW", "exact", "year only", "kept", "rule"]
    for known in TREATIES.values() if treaty is None else [get_treaty(treaty)]:
        own = found[found["treaty"] == known.id].astype({"ccode": "str"})
        say(f"{known.id}: {len(own) or 'no'} conflict{'' if len(own) == 1 else 's'}", style="bold")
        years = (
            own[["exact_year", "status_year", "kept_year"]]
            .map(lambda year: f"{year:.0f}")
            .replace("nan", "-")
        )
        rows = own[["country", "ccode"]].join(years).join(own["rule"])
        if len(own):
            show_table(header, rows.itertuples(index=False, name=None), numeric=header[1:5])
        say(f"Sources: {', '.join(known.sources)}")
        say()


# Options of `data describe`: what a panel of ours takes.

RegimeSourceOption = Annotated[
    str | None, typer.Option(help="Ratification: polity5 (default), row, polyarchy or bmr.")
]
RegimeRuleOption = Annotated[
    str | None,
    typer.Option(
        help="Ratification: before_treaty (default), before_ratification, whole_history, window or "
        "time_varying."
    ),
]
RegimeWindowOption = Annotated[
    tuple[int, int] | None,
    typer.Option(metavar="FIRST LAST", help="Ratification: years of the rule 'window'."),
]
RegimeTrailingOption = Annotated[
    int | None,
    typer.Option(help="Ratification: years before each year of the rule 'time_varying'; default 10."),
]
ControlsOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Ratification: a control, e.g. igo_count; may be repeated; default: the usual four.",
    ),
]
IgosOption = Annotated[
    list[str] | None,
    typer.Option(metavar="CODE", help="Convergence: an IGO, e.g. COE; may be repeated; default: all."),
]
TypesOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TYPE",
        help="Convergence: political, social, economic or unclassified; may be repeated; default: all.",
    ),
]


@data_app.command("describe", short_help="Rows, groups and gaps of a panel.")
def describe(
    panel: Annotated[str, typer.Argument(metavar="PANEL", help="ratification, treaties or convergence.")],
    *,
    start: Annotated[int | None, typer.Option(help="First year.")] = None,
    end: Annotated[int | None, typer.Option(help="Last year.")] = None,
    treaty: Annotated[str | None, typer.Option(help="Ratification: CAT (default), ICCPR, CEDAW ...")] = None,
    outcome: Annotated[
        str | None, typer.Option(help="Ratification: hrps_v402 (default), cirights_torture, pts_s ...")
    ] = None,
    regime_source: RegimeSourceOption = None,
    regime_rule: RegimeRuleOption = None,
    regime_window: RegimeWindowOption = None,
    regime_trailing: RegimeTrailingOption = None,
    controls: ControlsOption = None,
    score: Annotated[str | None, typer.Option(help="Convergence: score; default hrps_v402.")] = None,
    mean: Annotated[
        str | None, typer.Option(help="Convergence: leave_one_out (default), inclusive or frozen.")
    ] = None,
    igos: IgosOption = None,
    types: TypesOption = None,
    min_others: Annotated[
        int | None, typer.Option(help="Convergence: fewest scored other members; default 5.")
    ] = None,
) -> None:
    """Rows in, dropped with reasons and used, and who is in them.

    Of a ratification panel: countries by regime class, missing values by decade. Of a convergence panel:
    rows, dyads, states and IGOs by phase of membership and by type.
    """
    import bayes_hr

    options = {
        "start": start,
        "end": end,
        "treaty": treaty,
        "outcome": outcome,
        "regime_source": regime_source,
        "regime_rule": regime_rule,
        "regime_window": regime_window,
        "regime_trailing": regime_trailing,
        "controls": controls or None,
        "score": score,
        "mean": mean,
        "igos": igos or None,
        "types": types or None,
        "min_others": min_others,
    }
    found = bayes_hr.load_panel(panel, **{name: v for name, v in options.items() if v is not None})
    (_say_convergence if found.name == "convergence" else _say_ratification)(found)
    say()
    say(f"Sources: {', '.join(found.sources)} (bayes-hr data list)")


def _say_ratification(found: Panel) -> None:
    from bayes_hr.data.merge_parts import missing_table

    names: Any = found.options.get("treaties") or [found.options["treaty"]]
    say(f"Panel {found.name}: {', '.join(names)}, {found.outcome}", style="bold")
    say(found.merge.to_text())
    say_classes(found.frame)
    say_missing(missing_table(found.merge.missing))
    say_listwise(found.merge.losses)


def _say_convergence(found: Panel) -> None:
    said = f"{found.options['score']}, {found.options['mean']} mean of at least {found.options['min_others']}"
    say(f"Panel {found.name}: {said}", style="bold")
    say(found.merge.to_text())
    say_phases(found.frame)
    say_organisations(found.frame, "igo_type")
    if found.frame["igo"].nunique() <= FEW_IGOS:
        say_organisations(found.frame, "igo")
