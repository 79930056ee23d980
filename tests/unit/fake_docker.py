"""A docker that remembers in a file: containers, networks, images; put on the PATH by `install`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SCRIPT = """#!{python} -IS
import json, sys
from pathlib import Path
state_file = Path({state!r})
state = json.loads(state_file.read_text())
words = sys.argv[1:]
state["calls"].append(words)
said, status = "", 0
def of(flag):
    return [words[index + 1] for index, word in enumerate(words[:-1]) if word == flag]
if state["refuses"].get(words[0]):
    status, said = 1, ""
    sys.stderr.write(state["refuses"][words[0]] + "\\n")
elif words[0] == "info":
    said = json.dumps(state["info"])
elif words[0] == "ps":
    _, _, wanted = of("--filter")[0].removeprefix("label=").partition("=")
    said = "\\n".join(name for name, entry in state["containers"].items() if wanted in ("", entry["cluster"]))
elif words[0] == "inspect":
    said = json.dumps([
        {{"Name": "/" + name, "Config": {{"Labels": {{"io.x-k8s.kind.cluster": entry["cluster"]}}}},
          "State": {{"Status": "running", "Pid": 1}},
          "Mounts": [{{"Type": "bind", "Source": source}} for source in entry["mounts"]]}}
        for name, entry in state["containers"].items() if name in words])
elif words[0] == "rm":
    for name in words[1:]:
        state["containers"].pop(name, None)
elif words[:2] == ["network", "ls"]:
    wanted = of("--filter")[0].removeprefix("name=^").removesuffix("$")
    said = wanted if wanted in state["networks"] else ""
elif words[:2] == ["network", "rm"]:
    state["networks"].remove(words[2])
elif words[:2] == ["image", "inspect"]:
    status, said = (0, "sha256:0") if words[-1] in state["images"] else (1, "")
elif words[:2] == ["image", "ls"]:
    said = "\\n".join(name for name in state["images"] if name.startswith(words[-1] + ":") and "@" not in name)
elif words[0] == "pull":
    if words[-1] in state["registry"]:
        state["images"].append(words[-1])
    else:
        status = 1
        sys.stderr.write("Error response from daemon: Get https://registry.example/v2/: dial tcp: no such host\\n")
else:
    status = 64
state_file.write_text(json.dumps(state))
print(said)
sys.exit(status)
"""

INFO = {
    "MemTotal": 32 * 2**30,
    "NCPU": 4,
    "CgroupVersion": "2",
    "DockerRootDir": "/nowhere/docker",
    "SecurityOptions": [],
}


class FakeDocker:
    """The program, and what it remembers."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "fake-docker"
        self.directory.mkdir()
        self.program = self.directory / "docker"
        self.file = directory / "docker.json"
        self.change(info=INFO, containers={}, networks=[], images=[], registry=[], refuses={}, calls=[])
        self.program.write_text(SCRIPT.format(python=sys.executable, state=str(self.file)))
        self.program.chmod(0o755)

    def change(self, **values: Any) -> None:
        """Set parts of the state."""
        known = json.loads(self.file.read_text()) if self.file.exists() else {}
        self.file.write_text(json.dumps(known | values))

    def state(self) -> dict[str, Any]:
        """Return what it remembers now."""
        content: dict[str, Any] = json.loads(self.file.read_text())
        return content

    def node(self, name: str, cluster: str, *mounts: Path) -> None:
        """Add a node of a cluster, with its network."""
        containers = self.state()["containers"] | {name: {"cluster": cluster, "mounts": [str(m) for m in mounts]}}
        self.change(containers=containers, networks=[*self.state()["networks"], cluster])
