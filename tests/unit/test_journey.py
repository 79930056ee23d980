"""The way of one request: found in logs, in the order of time, and drawn."""

from __future__ import annotations

from xml.etree import ElementTree

from harness.e2e.journey import hops, picture, seconds, table

ONE = "11111111-2222-4333-8444-555555555555"
LOGS = (
    f"""double of kafka-proxy: 2026/01/02 03:04:06.500000 hop {ONE}: its ranks are asked for
double of kafka-proxy: 2026/01/02 03:04:06.600000 hop another: its ranks are asked for
something else hop {ONE}: not of ours
""",
    f"double of orchestrator: 2026/01/02 03:04:05.250000 hop {ONE}: taken <by> hand\n",
)


def test_hops_are_those_of_the_request_in_order_of_time() -> None:
    way = hops(ONE, LOGS)
    assert [hop.component for hop in way] == ["orchestrator", "kafka-proxy"]
    assert seconds(way) == 1.25
    assert table(way).splitlines()[1].split() == ["1.250", "s", "kafka-proxy", "its", "ranks", "are", "asked", "for"]


def test_the_gateway_knows_a_request_by_another_id() -> None:
    gateway = "double of gateway: 2026/01/02 03:04:05.000000 hop asked-1: POST https://o.test/ goes to it\n"
    way = hops({ONE, "asked-1"}, [*LOGS, gateway])
    assert [hop.component for hop in way] == ["gateway", "orchestrator", "kafka-proxy"]
    assert "gateway" not in {hop.component for hop in hops(ONE, [*LOGS, gateway])}


def test_the_picture_has_a_row_for_each_hop_and_shows_text_as_text() -> None:
    drawn = ElementTree.fromstring(picture(hops(ONE, LOGS)))
    texts = [element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert "0.000 s  taken <by> hand" in texts and "kafka-proxy" in texts
    assert len(list(drawn.iter("{http://www.w3.org/2000/svg}circle"))) == 2


def test_no_hop_is_no_way() -> None:
    assert hops("nobody", LOGS) == [] and seconds([]) == 0
