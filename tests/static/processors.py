"""Running the start scripts of the three programs of paas-mon.

A start script wants the image's folder and its modules; `run_start` gives it stand-ins for both.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support import Chart

HERE = "/kafka-components/processors"


def run_start(
    chart: Chart, folder: Path, modules: dict[str, str], variables: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run the start script with stand-ins (path below the program's folder -> text) and return how it ended."""
    for name, text in modules.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    start = chart.config()["indigo-paas.start.py"]
    (folder / "start.py").write_text(start.replace(HERE, str(folder)).replace("/indigo-paas/", f"{folder}/"))
    (folder / "rally-providers.json").write_text("{}")
    return subprocess.run(
        [sys.executable, str(folder / "start.py")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": "/usr/bin:/bin", **variables},
    )
