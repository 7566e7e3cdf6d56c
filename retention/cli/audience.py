"""Commands about audiences as files and match keys: audience export, coverage, inspect, verify, recipes."""

from __future__ import annotations

import csv
import getpass
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from retention.cli._shared import FAILED, closed_day, console, now_in, open_databases, run_factory
from retention.deployment import Deployment
from retention.settings import load_settings

if TYPE_CHECKING:
    from retention.campaigns.match_keys.listing import Coverage

audience_app = typer.Typer(help="Audiences: files, match keys, differences.", no_args_is_help=True)

Campaign = Annotated[str, typer.Argument(help="The audience: name of its play.")]
RecipeName = Annotated[str, typer.Argument(help="google, meta, tiktok, x, or one version such as google_v1.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(audience_app, name="audience")


@audience_app.command("export")
def audience_export(
    campaign: Campaign,
    form: Annotated[str, typer.Option("--format", help="csv, jsonl or parquet.")] = "csv",
    keys: Annotated[
        str | None,
        typer.Option("--keys", help="Match keys of a destination (google, meta, tiktok, x), or plain addresses (plain)."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="What the list is called outside; default the audience's name.")
    ] = None,
    personal_data: Annotated[
        bool, typer.Option("--personal-data", help="Allow plain addresses; the read is put on record.")
    ] = False,
) -> None:
    """Write who may be contacted now to files, with a manifest; the list of before is swapped out in one step."""
    from retention import pipeline
    from retention.campaigns.files import export_audience
    from retention.campaigns.match_keys.recipes import load_recipe
    from retention.report import number

    settings = load_settings()
    run = run_factory(closed_day(None))("audience files")
    try:
        done = export_audience(
            run,
            campaign,
            lists_folder(),
            now_in(settings),
            form=form,
            recipe=load_recipe(keys) if keys else None,
            actor=getpass.getuser(),
            personal_data=personal_data,
            public_name=name,
        )
    finally:
        pipeline.close(run)
    out = console()
    for entry in done.manifest["files"]:
        out.print(Text(f"rows: {number(entry['rows']):<10} {done.folder / done.manifest['version'] / entry['name']}"))
    out.print(Text(f"of {number(done.manifest['members'])} members; to be used before {done.manifest['use_before']}"))
    for warning in done.manifest["warnings"]:
        out.print(Text(f"! {warning}"))
    if done.coverage:
        show_coverage(campaign, done.manifest["list"], done.coverage)


@audience_app.command("coverage")
def audience_coverage(
    campaign: Campaign,
    keys: Annotated[
        list[str] | None, typer.Option("--keys", help="Destinations or recipes; default the newest of each.")
    ] = None,
) -> None:
    """Forecast how many of an audience each destination can be given, and why not the rest; nothing is written to files."""
    from retention import pipeline
    from retention.campaigns.files.members import describe_source
    from retention.campaigns.match_keys.listing import list_keys
    from retention.campaigns.match_keys.recipes import load_recipe, load_recipes
    from retention.campaigns.match_keys.recording import record

    settings = load_settings()
    now = now_in(settings)
    chosen = keys or sorted({recipe.destination for recipe in load_recipes().values() if recipe.is_hashed})
    run = run_factory(closed_day(None))("match key coverage")
    try:
        describe_source(run, campaign)
        for name in chosen:
            recipe = load_recipe(name)
            if not recipe.is_hashed:
                raise typer.BadParameter(f"{recipe.name} has no match keys", param_hint="--keys")
            listing = list_keys(run, campaign, recipe)
            with run.warehouse.begin() as connection:
                record(connection, listing, now.date(), now)
            show_coverage(campaign, recipe.name, listing.coverage)
            show_rejects(Counter(listing.rejects["reason"].tolist()))
    finally:
        pipeline.close(run)


@audience_app.command("inspect")
def audience_inspect(
    file: Annotated[Path, typer.Argument(help="A CSV that somebody hashed.", exists=True, dir_okay=False)],
    keys: Annotated[str, typer.Option("--keys", help="By which recipe it should have been hashed, e.g. meta.")],
    column: Annotated[str, typer.Option("--column", help="The column to look at.")],
    key: Annotated[str, typer.Option("--key", help="What it holds: email or phone.")] = "email",
) -> None:
    """Look at a hashed column: addresses in the clear, other hashes, hashes of hashes. No value is shown."""
    from retention.campaigns.match_keys.inspecting import KINDS, inspect_column
    from retention.campaigns.match_keys.recipes import load_recipe
    from retention.report import Section, number, print_section

    recipe = load_recipe(keys)
    chosen = next((known for known in recipe.keys if known.name == key and known.is_hashed), None)
    if chosen is None:
        raise typer.BadParameter(f"{recipe.name} has no hashed key {key}", param_hint="--key")
    warehouse, _ = open_databases()
    counts = inspect_column(warehouse, recipe, chosen, _column(file, column))
    table = [[f"{english}\n{chinese}", number(counts[kind])] for kind, (english, chinese) in KINDS.items() if counts[kind]]
    print_section(
        console(),
        Section(
            f"Column {column} by {recipe.name}", "匹配键检查", [("what", "left"), ("values", "right")], table, empty="no value"
        ),
    )
    if any(counts[kind] for kind in ("raw", "capitals", "other_hash", "of_nothing", "hashed_twice", "other")):
        raise typer.Exit(FAILED)


@audience_app.command("verify")
def audience_verify(
    campaign: Campaign, list_name: Annotated[str, typer.Option("--list", help="members, or a recipe.")] = "members"
) -> None:
    """Compare the files of the current list with the checksums of its manifest."""
    from retention.campaigns.files import read_list

    if "/" in f"{campaign}{list_name}" or ".." in (campaign, list_name):
        raise typer.BadParameter("a name, not a path", param_hint="CAMPAIGN")
    manifest, files = read_list(lists_folder() / campaign / list_name, now_in(load_settings()))
    console().print(Text(f"{len(files)} files whole, {manifest['rows']:,} rows, to be used before {manifest['use_before']}"))


@audience_app.command("recipes")
def audience_recipes() -> None:
    """List the recipes for match keys and try each on its published examples."""
    from retention.campaigns.match_keys.building import check_vectors
    from retention.campaigns.match_keys.recipes import load_recipes
    from retention.report import Section, print_section

    rows = [
        [
            recipe.name,
            f"{recipe.label_en}\n{recipe.label_zh}",
            ", ".join(key.name for key in recipe.keys),
            ", ".join(recipe.states) or "of the channel",
            f"{check_vectors(recipe)} right",
        ]
        for recipe in load_recipes().values()
    ]
    columns = [("recipe", "left"), ("destination", "left"), ("keys", "left"), ("consent", "left"), ("examples", "left")]
    print_section(console(), Section("Recipes for match keys", "匹配键规则", columns, rows))


def lists_folder() -> Path:
    """Return where lists lie: where erasures and expiry look for them."""
    return Deployment.from_env().home / "exports" / "audiences"


def show_coverage(campaign: str, recipe: str, coverage: tuple[Coverage, ...]) -> None:
    """Print how many can be listed by each key."""
    from retention.report import Section, number, print_section

    names = ("members", "listed", "missing", "invalid", "already_hashed", "duplicate", "withheld", "shared")
    rows = [[counts.key, *(number(getattr(counts, name)) for name in names), f"{counts.share:.0%}"] for counts in coverage]
    heads = [("key", "left"), *((name.replace("_", " "), "right") for name in names), ("share", "right")]
    print_section(
        console(),
        Section(
            f"{campaign} by {recipe}",
            "匹配键覆盖率",
            heads,
            rows,
            note="withheld: consent to advertising; shared: listed or not",
        ),
    )


def show_rejects(reasons: Mapping[str, int]) -> None:
    """Print why keys are missing, in both languages."""
    from retention.campaigns.match_keys.building import REASONS
    from retention.report import Section, number, print_section

    rows = [[number(count), *REASONS[reason]] for reason, count in sorted(reasons.items(), key=lambda item: -item[1])]
    print_section(
        console(),
        Section(
            "Keys that are not listed",
            "未列出的原因",
            [("keys", "right"), ("why", "left"), ("原因", "left")],
            rows,
            empty="none",
        ),
    )


def _column(file: Path, column: str) -> Iterator[str | None]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        if column not in (reader.fieldnames or ()):
            raise typer.BadParameter(f"{file.name} has no column {column[:40]}", param_hint="--column")
        for row in reader:
            yield row[column]
