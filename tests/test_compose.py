"""docker-compose.yaml: valid, complete, no secret of its own, and every program in it exists."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
SERVICES = {"postgres", "redis", "initialise", "api-server", "scheduler", "dag-processor", "triggerer", "worker"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())
    return loaded


def test_every_part_is_there_restarts_and_is_watched(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == SERVICES
    for name, service in compose["services"].items():
        if name != "initialise":
            assert service["restart"] == "unless-stopped", name
            assert service["healthcheck"]["test"], name
    assert compose["services"]["initialise"]["restart"] == "no"


def test_valid_by_the_compose_specification(compose: dict[str, Any]) -> None:
    spec = importlib.util.find_spec("check_jsonschema")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the package check-jsonschema, which carries the specification, is not installed")
    folder = Path(spec.submodule_search_locations[0]) / "builtin_schemas" / "vendor"
    jsonschema.validate(compose, json.loads((folder / "compose-spec.json").read_text()))


def test_waits_for_what_it_needs(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for other, how in service.get("depends_on", {}).items():
            assert other in SERVICES, f"{name} waits for {other}"
            if how["condition"] == "service_healthy":
                assert "healthcheck" in compose["services"][other], f"{name} waits for the health of {other}"
    for name in ("scheduler", "triggerer", "worker"):
        assert compose["services"][name]["depends_on"]["api-server"]["condition"] == "service_healthy", name


def test_every_variable_is_explained_and_no_secret_has_a_default() -> None:
    text = (ROOT / "docker-compose.yaml").read_text()
    used = dict(re.findall(r"\$\{(\w+):([?-][^}]*)\}", text))
    assert not re.search(r"(?<!\$)\$\{\w+\}", text), "a variable without a default or a message when it is missing"
    filled = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / ".env.example").read_text(), flags=re.MULTILINE))
    assert set(used) == set(filled)
    for name, rule in used.items():
        if re.search("PASSWORD|SECRET|KEY", name):
            assert rule.startswith("?") or rule == "-", f"{name} has a default"  # "-": it may be left out, as of a chat robot
    assert not [name for name, value in filled.items() if value and re.search("PASSWORD|SECRET|KEY", name)]


def test_mounted_and_copied_files_exist(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in compose["volumes"], volume
    dockerfile = (ROOT / "docker" / "Dockerfile").read_text()
    for line in re.findall(r"^COPY (?:--\S+ )*(.+) \S+$", dockerfile, flags=re.MULTILINE):
        for source in line.split():
            assert (ROOT / source).exists(), source


@pytest.mark.slow
def test_every_airflow_command_is_known(compose: dict[str, Any]) -> None:
    """The commands start for real in no test; that their names and options exist is asked of the program itself."""
    program = Path(sys.executable).with_name("airflow")
    commands = [service["command"] for service in compose["services"].values() if "command" in service]
    commands += [service["healthcheck"]["test"][1:] for service in compose["services"].values() if "healthcheck" in service]
    asked = 0
    for command in commands:
        if command[0] != "airflow" or command[1] == "celery":
            continue
        words = command[1 : next((i for i, word in enumerate(command) if word.startswith("--")), len(command))]
        result = subprocess.run([str(program), *words, "--help"], capture_output=True, text=True, timeout=120, check=False)
        assert result.returncode == 0, command
        for option in (word for word in command if word.startswith("--")):
            assert option in result.stdout, f"{command}: {option}"
        asked += 1
    assert asked >= 6


def test_scripts_are_valid_shell() -> None:
    shell = shutil.which("sh")
    assert shell
    for script in (*(ROOT / "docker").glob("*.sh"), ROOT / "scripts" / "install.sh", ROOT / ".ci" / "run"):
        subprocess.run([shell, "-n", str(script)], check=True)
