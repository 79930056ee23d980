"""What the three programs of paas-mon have in common, for their tests: rendering, and running their start scripts.

A start script wants the image's folder and its modules; `run_start` gives it stand-ins for both.
"""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from harness.model.contract import Contract
from harness.model.load import load_contract
from tests import support

HERE = "/kafka-components/processors"


@cache
def contract(component: str) -> Contract:
    return load_contract(support.charts() / component)


def env(component: str, **values: Any) -> dict[str, Any]:
    return support.environment(support.render_chart(component, values), component)


def refusal(component: str, **values: Any) -> str:
    """Return the message with which the values are refused."""
    with pytest.raises(support.Refused) as refused:
        support.render_chart(component, values)
    return str(refused.value)


def file(component: str, name: str, **values: Any) -> str:
    """Return one of the files in /indigo-paas."""
    return support.config(support.render_chart(component, values), component)[f"indigo-paas.{name}"]


def run_start(
    component: str, folder: Path, modules: dict[str, str], variables: dict[str, str], **values: Any
) -> subprocess.CompletedProcess[str]:
    """Run the start script with stand-ins (path below the program's folder -> text) and return how it ended."""
    for name, text in modules.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    script = file(component, "start.py", **values).replace(HERE, str(folder)).replace("/indigo-paas/", f"{folder}/")
    (folder / "start.py").write_text(script)
    (folder / "rally-providers.json").write_text("{}")
    return subprocess.run(
        [sys.executable, str(folder / "start.py")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": "/usr/bin:/bin", **variables},
    )


# --- what all three contracts name as traps


def service_links(component: str) -> None:
    assert support.pod(support.render_chart(component), component)["spec"]["enableServiceLinks"] is False


def field_names_not_env_hints(component: str) -> None:
    assert env(component)["LOG_DIR"] == "/logs", "the working name of what the code calls APP_LOG_DIR"
    for wrong in ("APP_LOG_DIR", "KAFKA_GROUP_ID", "KAFKA_VALUE_DESERIALIZER"):
        assert wrong not in env(component)
        assert wrong in refusal(component, settings={wrong: "x"})


def password_file(component: str) -> None:
    path = env(component)["KAFKA_SSL_PASSWORD_PATH"]
    assert path in mounted_files(component), f"{path} is not mounted"


def always_tls(component: str) -> None:
    found, files = env(component), mounted_files(component)
    for name in ("KAFKA_SSL_CAFILE", "KAFKA_SSL_CERTFILE", "KAFKA_SSL_KEYFILE"):
        assert found[name] in files, f"{name} names {found[name]}, which no Secret brings"
    outside = {"components": {"kafka": {"mode": "external", "host": "kafka.example.org", "port": 9195}}}
    assert found["KAFKA_BOOTSTRAP_SERVERS"] == "kafka:9095"
    assert env(component, **{"global": outside})["KAFKA_BOOTSTRAP_SERVERS"] == "kafka.example.org:9195"


def mounted_files(component: str) -> set[str]:
    """Return the paths that Secrets bring into the container."""
    objects = support.render_chart(component)
    mounts = {item["name"]: item["mountPath"] for item in support.container(objects, component)["volumeMounts"]}
    return {
        f"{mounts[volume['name']]}/{item['path']}"
        for volume in support.pod(objects, component)["spec"]["volumes"]
        for item in volume.get("secret", {}).get("items", ())
    }


def history_within_a_second(component: str) -> None:
    properties = support.config(support.render_chart("kafka"), "kafka")
    server = properties["etc.indigo-paas.kafka.server.properties"].splitlines()
    assert "group.initial.rebalance.delay.ms=0" in server, f"{component} would read no history"
    setting = contract("kafka").settings["group.initial.rebalance.delay.ms"]
    assert setting.default == 3000, "upstream's default has changed; the trap may be gone"


def log_folder(component: str, tmp_path: Path) -> None:
    server = support.container(support.render_chart(component), component)
    assert server["command"] == ["sh", "-c"]
    assert "/logs" in {item["mountPath"] for item in server["volumeMounts"]}
    (script,) = server["args"]
    pattern = server["startupProbe"]["exec"]["command"][2].replace("/logs/", f"{tmp_path}/")

    def ready() -> bool:
        return subprocess.run(["sh", "-c", pattern], check=False).returncode == 0

    assert not ready(), "ready without a log"
    log = tmp_path / f"{component}.log"
    log.write_text("2026-11-23 INFO End of initialization phase\n")
    assert ready()
    command = script.replace("/logs/", f"{tmp_path}/").replace("python3 /indigo-paas/start.py", "true")
    subprocess.run(["sh", "-c", command], check=True)
    assert not ready(), "the log of an earlier run makes the pod ready before it has read its history"


def one_pod(component: str) -> None:
    spec = support.find(support.render_chart(component), "Deployment", component)["spec"]
    assert (spec["replicas"], spec["strategy"]["type"]) == (1, "Recreate")
    assert "replicas" in refusal(component, replicas=2)


def deserializer(component: str, right: str, wrong: str) -> None:
    name = "KAFKA_VALUE_DESERIALIZER_STR"
    assert env(component)[name] == right
    assert name in refusal(component, settings={name: wrong})


def message_size(component: str) -> None:
    """Assert that producer, consumer and topics have one size."""
    sizes = {topic.maxMessageBytes for topic in contract(component).topics.values()}
    assert len(sizes) == 1
    for name in ("KAFKA_FETCH_MAX_BYTES", "KAFKA_MAX_REQUEST_SIZE"):
        assert int(env(component)[name]) in sizes


def root_and_nothing_else(name: str) -> None:
    """Root is needed, with a reason in the contract, and no capability comes with it."""
    security = support.container(support.render_chart(name), name)["securityContext"]
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["allowPrivilegeEscalation"] is False
    assert security["readOnlyRootFilesystem"] is True
    assert contract(name).security.exception
