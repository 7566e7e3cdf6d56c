"""What is wrong with the files of plays, known already when Airflow reads the DAG of the audience.

The check imports the product, a second of work; Airflow parses DAG files every few seconds. So it runs in a process of its own,
and only after a file has changed.
"""

import hashlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 30
TAG = "wrong plays"
_CHECK = "import json; from retention.campaigns.plays import play_problems; print(json.dumps(play_problems()))"


def wrong_plays() -> list[str]:
    """Return what is wrong with the play files, one message per problem with file and line; never raises.

    A wrong file stops nothing: the other plays go on, and the wrong one stays as it was when it was right.
    """
    try:
        from retention.deployment import Deployment

        kept = Deployment.from_env().home / "play-check.json"
        state = _fingerprint()
        if kept.exists():
            known = json.loads(kept.read_text(encoding="utf-8"))
            if known["state"] == state:
                return [str(problem) for problem in known["problems"]]
        problems = _check()
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_name(f".{kept.name}.{os.getpid()}")
        partial.write_text(json.dumps({"state": state, "problems": problems}, ensure_ascii=False), encoding="utf-8")
        partial.replace(kept)
    except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
        return [f"the play files could not be checked ({type(error).__name__}): run `retention play check`"]
    return problems


def said(problems: list[str]) -> str:
    """Return the problems as a section for a DAG's documentation; empty without any."""
    if not problems:
        return ""
    for problem in problems:
        log.warning("%s. See docs/runbook.md#plays", problem)
    lines = "\n".join(f"* `{problem.replace('`', chr(39))}`" for problem in problems)
    return f"\n## Wrong play files\n\nThe other plays go on; these stay as they were, or wait if they are new.\n\n{lines}\n"


def _check() -> list[str]:
    done = subprocess.run([sys.executable, "-c", _CHECK], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True)
    return [str(problem) for problem in json.loads(done.stdout.splitlines()[-1])]


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path in _files():
        found = path.stat()
        digest.update(f"{path}|{found.st_size}|{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _files() -> Iterator[Path]:
    """Everything that the verdict rests on: the plays, shipped and own, their schema, and the attributes they may name."""
    from retention.settings import PROJECT_ROOT

    include = PROJECT_ROOT / "include"
    yield from sorted((include / "plays").glob("*"))
    yield include / "sql" / "campaigns" / "customer_attributes.yml"
    own = os.environ.get("RETENTION_PLAYS_DIR")
    if own:
        yield from sorted(Path(own).glob("*.yml"))
