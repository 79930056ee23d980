"""Contract doubles: what is written of one fits its contract, and its image is made of nothing but our own files."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.doubles import describe, image
from harness.errors import UserError
from harness.model.graph import Graph
from harness.model.load import load_contracts
from harness.paths import repository


@pytest.fixture(scope="module")
def graph() -> Graph:
    return Graph.build(load_contracts(repository() / "charts"))


@pytest.mark.parametrize("component", describe.names())
def test_a_double_fits_its_contract(graph: Graph, component: str) -> None:
    assert describe.check(graph, component) == []


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"answers": []}, "nothing answers /actuator/health on port http"),
    ({"answers": [{"port": "web", "path": "/x", "source": "s"}]}, "port web of /x is not in the contract"),
    ({"stores": []}, "the double logs in to none"),
    ({"stores": []}, "/actuator/health asks database, which is no store"),
    ({"rules": [{"setting": "IAM_NONE", "must": "x", "message": "a message", "source": "s"}]}, "no setting IAM_NONE"),
    (
        {"rules": [{"setting": "IAM_DB_HOST", "needs": ["IAM_NONE"], "message": "a message", "source": "s"}]},
        "no setting IAM_NONE",
    ),
    ({"jobs": []}, "the contract has 1 jobs, the double 0"),
    ({"stores": []}, "mariadb-iam is needed hard, and there is no store of kind mysql"),
    ({"configs": [{"path": "/none.yaml", "also": [], "source": "s"}]}, "the contract has no settings in /none.yaml"),
]


@pytest.mark.parametrize(("change", "said"), MISTAKES)
def test_what_does_not_fit_is_said(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], said: str
) -> None:
    own = yaml.safe_load((describe.COMPONENTS / "iam.yaml").read_text())
    (tmp_path / "iam.yaml").write_text(yaml.safe_dump(own | change))
    monkeypatch.setattr(describe, "COMPONENTS", tmp_path)
    assert any(said in problem for problem in describe.check(graph, "iam"))


def test_an_unknown_key_and_an_unknown_double_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="there is no double of neo4j"):
        describe.load("neo4j")
    (tmp_path / "iam.yaml").write_text("different: [something]\nport: 1\n")
    monkeypatch.setattr(describe, "COMPONENTS", tmp_path)
    with pytest.raises(UserError, match="the double of iam is not as it should be"):
        describe.load("iam")


def test_the_program_knows_what_every_double_does() -> None:
    program = "".join(path.read_text() for path in (describe.COMPONENTS.parent / "go").glob("*.go"))
    known = set(re.findall(r'"(\w+)":\s+\(?\*?\w', program))
    for component in describe.names():
        double = describe.load(component)
        done = {stream.does for stream in double.streams} | {answer.does for answer in double.answers}
        done -= {"", "feed"}  # what a run does once has no name in the program
        assert done <= known, component
    assert "seed" in known and "nothing" not in known


def test_third_party_servers_are_never_doubled(graph: Graph) -> None:
    assert not [name for name in describe.names() if graph.contracts[name].tier == "data"]


def test_an_archive_holds_one_program_and_an_image_per_component(graph: Graph, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF")
    contracts = {name: graph.contracts[name] for name in describe.names()}
    images = image.write_archive(tmp_path / "one.tar", program, contracts)
    image.write_archive(tmp_path / "two.tar", program, contracts)
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    assert images == [image.PROBE, image.GATEWAY, *(image.name(contract) for contract in contracts.values())]
    with tarfile.open(tmp_path / "one.tar") as archive:

        def content(name: str) -> bytes:
            file = archive.extractfile(name)
            assert file
            return file.read()

        for entry in json.loads(content("manifest.json")):
            config = json.loads(content(entry["Config"]))
            digests = [f"sha256:{hashlib.sha256(content(layer)).hexdigest()}" for layer in entry["Layers"]]
            assert config["rootfs"]["diff_ids"] == digests
            of_the_harness = {image.PROBE: ["/double"], image.GATEWAY: ["/double", "gateway"]}
            (name,) = entry["RepoTags"]
            assert config["config"]["Entrypoint"] == of_the_harness.get(name, ["/double"])
            assert len(digests) == (1 if name in of_the_harness else 2)
