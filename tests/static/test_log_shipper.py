"""The traps of the log shipper (charts/log-shipper/contract.yaml), a test each.

The statements themselves run in the collector only. What they must give is checked here by the rules of the parsers,
written down again from paas-mon (debf409, orc_templ_collector.py and loganalyzer.py).
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests import support
from tests.support import Chart

pytestmark = pytest.mark.static

NAME = "log-shipper"
chart = Chart(NAME)
SEPARATOR = "paas-orchestrator orchestrator/"
TAKEN_FOR_CUT = 8100  # characters, loganalyzer.py


def collector(**values: Any) -> dict[str, Any]:
    (text,) = chart.config(**values).values()
    parsed: dict[str, Any] = support.parse(text)
    return parsed


def statements() -> list[str]:
    (group,) = collector()["processors"]["transform"]["log_statements"]
    found: list[str] = group["statements"]
    return found


def prefix() -> str:
    """Return what stands before each line of the log, with the space that joins the two."""
    (found,) = [
        match for text in statements() for match in re.findall(r'Concat\(\["([^"]+)", log\.body\], " "\)', text)
    ]
    return f"{found} "


def original(message: str) -> str:
    """Return the line of the Orchestrator in a message, as the template parser cuts it out."""
    date = " ".join(message.split()[:3])
    datetime.strptime(f"{date} 2026", "%b %d %H:%M:%S %Y")
    line = "2026-01-01T11:00:00+00:00 " + SEPARATOR + message.split(SEPARATOR)[1]
    return line.split(" ".join(line.split()[:3]) + " ")[1]


@pytest.mark.parametrize("line", ["2026-11-23 01:35:08.123  INFO", "  properties:", "", "    a: b  c"])
def test_exact_prefix_is_cut_off_by_the_parsers_and_leaves_the_line_as_it_was(line: str) -> None:
    assert original(prefix() + line) == line
    assert prefix().count(SEPARATOR) == 1


def test_exact_prefix_with_another_text_or_without_its_last_space_would_be_refused() -> None:
    with pytest.raises(IndexError):
        original(prefix().replace("paas-orchestrator", "orchestrator") + "  properties:")
    with pytest.raises(IndexError):
        original(prefix().strip() + "")


def exists_once(year: int, date: str) -> bool:
    """Return whether a date is one moment in Rome: neither skipped nor repeated by summer time, nor absent."""
    try:
        moment = datetime.strptime(f"{date} {year}", "%b %d %H:%M:%S %Y")
    except ValueError:
        return False
    rome = ZoneInfo("Europe/Rome")
    first, second = (moment.replace(tzinfo=rome, fold=fold).utcoffset() for fold in (0, 1))
    return first == second


def test_date_of_rome_exists_in_every_year() -> None:
    date = " ".join(prefix().split()[:3])
    for year in range(2024, 2060):
        assert exists_once(year, date)
    assert not exists_once(2027, "Feb 29 12:00:00"), "the check finds nothing"
    assert not exists_once(2026, "Mar 29 02:30:00"), "the check finds nothing"
    assert not exists_once(2026, "Oct 25 02:30:00"), "the check finds nothing"


def test_timestamp_shape_is_the_one_that_the_collector_of_datasets_reads() -> None:
    (pattern,) = re.findall(r'"@timestamp": FormatTime\(log\.observed_time, "([^"]+)"\)', statements()[-1])
    written = pattern
    for code, text in {"%Y": "2026", "%m": "11", "%d": "23", "%H": "01", "%M": "58", "%S": "47", "%L": "154"}.items():
        written = written.replace(code, text)
    assert datetime.strptime(written, "%Y-%m-%dT%H:%M:%S.%fZ").microsecond == 154000
    assert '"message": log.attributes["message"]' in statements()[-1]
    assert collector()["exporters"]["kafka"]["logs"] == {"topic": "orchestrator-logs", "encoding": "raw"}


def test_indentation_is_kept() -> None:
    receiver = collector()["receivers"]["tcplog"]
    for side in ("leading", "trailing"):
        name = f"preserve_{side}_whitespaces"
        assert receiver[name] is True
        assert name in chart.refusal(settings={f"receivers.tcplog.{name}": False})
    assert "multiline" not in receiver, "a line feed ends a line"


def test_order_of_lines_is_that_of_one_pod_one_sender_one_partition() -> None:
    assert collector()["exporters"]["kafka"]["sending_queue"]["num_consumers"] == 1
    assert chart.contract.topics["orchestrator-logs"].partitions == 1
    assert chart.find("StatefulSet")["spec"]["replicas"] == 1
    assert "replicas" in chart.refusal(replicas=2)
    assert "num_consumers" in chart.refusal(settings={"exporters.kafka.sending_queue.num_consumers": 10})


def shortened(line: str) -> str:
    """Return what the statements make of a long line, by their own numbers and pattern."""
    condition, cut, ends, closes, *_ = statements()
    needle, limit = re.findall(r'IsMatch\(log\.body, "([^"]+)"\) and Len\(log\.body\) > (\d+)', condition)[0]
    if not re.search(needle, line) or len(line) <= int(limit):
        return line
    line = line[: int(re.findall(r"Substring\(log\.body, 0, (\d+)\)", cut)[0])]
    pattern = re.findall(r'replace_pattern\(log\.body, "(.+)", ""\)', ends)[0]
    line = re.sub(json.loads(f'"{pattern}"').replace("$$", "$"), "", line)
    closing: str = json.loads(re.findall(r'Concat\(\[log\.body, (".+")\], ""\)', closes)[0])
    return line + closing


def event(message: str) -> dict[str, Any]:
    """Return the JSON behind an error as the collector of datasets reads it, with what it does to long lines."""
    message = message.strip()
    if len(message) >= TAKEN_FOR_CUT:
        message = (message[:-1] if message.endswith("\\") else message) + ' "}'
    found: dict[str, Any] = json.loads(message.split("Deployment in error. ")[1].strip())
    return found


@pytest.mark.parametrize("unit", ["x", '"', "\\", "\n", "\u0001", 'a"\\'])
def test_long_lines_of_errors_are_shortened_to_what_can_be_read(unit: str) -> None:
    for length in (10, 7700, 7790, *range(7791, 7830), 20000):
        reason = {"uuid": "u", "status": "CREATE_FAILED", "status_reason": unit * (length // len(json.dumps(unit)) + 1)}
        line = (
            f"2026-11-23 01:35:07.123  INFO - - 7 --- [t] {'i.r.o.B':<40} : Deployment in error. {json.dumps(reason)}"
        )
        message = prefix() + shortened(line)
        assert len(message) < TAKEN_FOR_CUT
        assert event(message)["uuid"] == "u"
        assert reason["status_reason"].startswith(event(message)["status_reason"][:7000])


def test_long_lines_that_are_left_whole_would_end_the_collector_of_datasets() -> None:
    whole = "Deployment in error. " + json.dumps({"uuid": "u", "status_reason": "x" * 9000})
    with pytest.raises(json.JSONDecodeError):
        event(prefix() + whole)


def test_whole_parameter_lines_pass() -> None:
    parameters = json.dumps({"uuid": "u", "user_parameters": {"text": "Deployment in error. " + "x" * 20000}})
    line = f"2026-11-23 01:35:07.123  INFO - - 7 --- [t] i.r.o.service.DeploymentServiceImpl      : {parameters}"
    assert shortened(line) == line
    size = collector()["receivers"]["tcplog"]["max_log_size"]
    assert re.fullmatch(r"\d+MiB", size)
    assert int(size.removesuffix("MiB")) >= 16


def test_no_privileges_are_needed() -> None:
    spec = chart.pod()
    assert spec["automountServiceAccountToken"] is False
    assert not [item for item in spec["volumes"] if "hostPath" in item]
    assert chart.contract.security.profile == "restricted"
    kinds = {item["kind"] for item in chart.render()}
    assert not kinds & {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "DaemonSet"}


def test_text_log_is_what_the_orchestrator_writes() -> None:
    environment = support.environment(support.render_chart("orchestrator"), "orchestrator")
    assert environment["JSON_LOGGING"] == "false"


def test_nothing_is_thrown_away_while_kafka_is_away() -> None:
    kafka = collector()["exporters"]["kafka"]
    queue = kafka["sending_queue"]
    assert kafka["retry_on_failure"]["max_elapsed_time"] == "0s"
    assert queue["storage"] == "file_storage"
    assert queue["block_on_overflow"] is True
    folder = collector()["extensions"]["file_storage"]["directory"]
    (volume,) = [item for item in chart.contract.writable if item.path == folder]
    assert volume.keep
    assert queue["sizer"] == "bytes"
    assert queue["queue_size"] < int(volume.size.removesuffix("Gi")) * 2**30 / 2, "the queue outgrows its volume"


def test_settings_are_written_with_their_types_at_their_place() -> None:
    found = collector(
        settings={
            "exporters.kafka.sending_queue.queue_size": 1000000,
            "exporters.kafka.sending_queue.block_on_overflow": False,
            "service.telemetry.logs.level": "debug",
        }
    )
    assert found["exporters"]["kafka"]["sending_queue"]["queue_size"] == 1000000
    assert found["exporters"]["kafka"]["sending_queue"]["block_on_overflow"] is False
    assert found["service"]["telemetry"]["logs"]["level"] == "debug"
    assert found["exporters"]["kafka"]["producer"]["max_message_bytes"] == 104857600
