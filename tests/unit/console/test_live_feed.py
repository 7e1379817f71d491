"""The live feed: snapshot, then deltas; one making for all; a slow reader is given the newest, never a queue."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

S = 1_000_000
T0 = 1_772_449_800 * S


def test_a_page_gets_a_snapshot_and_then_only_what_changed(console: Any, engine: Any, open_page: Any) -> None:
    page = open_page(console, "now")
    page.until(lambda data: data["now"]["engine"]["status"] == "running")
    engine.say(streams={"hits": {"rate_eps": 50.0, "keys": 7}})
    page.until(lambda data: data["now"]["streams"]["hits"].get("rate_eps") == 50.0)
    engine.say(streams={"hits": {"rate_eps": 60.0, "keys": 7}})
    while "streams" not in (message := page.take())["data"]:
        pass
    assert message["kind"] == "delta"
    assert message["data"]["streams"] == {"hits": {"rate_eps": 60.0}}
    assert "rankings" not in message["data"]


def test_what_is_not_known_any_more_is_removed(console: Any, engine: Any, open_page: Any) -> None:
    engine.say(streams={"hits": {"rate_eps": 50.0}})
    page = open_page(console, "now")
    page.until(lambda data: data["now"]["streams"]["hits"].get("rate_eps") == 50.0)
    engine.say(streams={"hits": {}})
    page.until(lambda data: "rate_eps" not in data["now"]["streams"]["hits"])


def test_a_delta_s_outcome_is_what_a_new_page_is_given(
    console: Any, engine: Any, open_page: Any, add_incident: Any
) -> None:
    page = open_page(console, "now", "pipeline")
    for number in range(6):
        add_incident(f"i{number}")
        place = {"place": 1, "key": {"base_mck": f"M{number}"}}
        engine.say(checkpoint={"seq": number, "at_us": T0}, ranks={"hot": [place]}, streams={f"s{number}": {}})
        time.sleep(0.12)
    page.until(lambda data: "i5" in data["now"]["incidents"])
    fresh = open_page(console, "now", "pipeline")
    while not {"now", "pipeline"} <= set(fresh.data):
        fresh.take()
    while page.seq["now"] < fresh.seq["now"] or page.seq["pipeline"] < fresh.seq["pipeline"]:
        page.take()
    while fresh.seq != page.seq:
        fresh.take()
    assert page.data == fresh.data
    assert "delta" in page.kinds


def test_an_incident_is_on_the_page_within_a_fraction_of_a_second(
    console: Any, engine: Any, open_page: Any, add_incident: Any
) -> None:
    page = open_page(console, "now")
    page.until(lambda data: data["now"]["engine"]["status"] == "running")
    add_incident("i1")
    began = time.monotonic()
    engine.say(checkpoint={"seq": 5})
    page.until(lambda data: "i1" in data["now"]["incidents"])
    assert time.monotonic() - began < 2


def test_topics_are_replaced_by_the_next_wish(console: Any, engine: Any, open_page: Any, add_incident: Any) -> None:
    add_incident("i1")
    page = open_page(console, "now")
    page.take()
    page.subscribe("incident:i1", 'ranking:hot:{"cpk":"C1"}')
    page.until(lambda data: {"incident:i1", 'ranking:hot:{"cpk":"C1"}'} <= set(data))
    engine.say(streams={"hits": {"rate_eps": 1.0}})
    page.kinds.clear()
    with pytest.raises(TimeoutError):
        page.socket.recv(1.5)


@pytest.mark.parametrize("topic", ["incident:nope", "ranking:nope", "demo"])
@pytest.mark.usefixtures("state")
def test_what_is_not_there_is_said_and_the_rest_goes_on(console: Any, open_page: Any, topic: str) -> None:
    page = open_page(console, topic, "now")
    messages = [page.take(), page.take()]
    (error,) = [each for each in messages if each["kind"] == "error"]
    assert (error["topic"], error["error"]["code"]) == (topic, "not_found")


def test_an_incident_that_comes_later_is_given_then(
    console: Any, engine: Any, open_page: Any, add_incident: Any
) -> None:
    page = open_page(console, "incident:i1")
    assert page.take()["kind"] == "error"
    add_incident("i1")
    engine.say(checkpoint={"seq": 9})
    page.until(lambda data: data["incident:i1"]["id"] == "i1")


def test_the_engine_s_end_is_seen_at_once(console: Any, engine: Any, open_page: Any) -> None:
    page = open_page(console, "now")
    page.until(lambda data: data["now"]["health"]["status"] == "green")
    began = time.monotonic()
    engine.stop()
    page.until(lambda data: data["now"]["health"]["status"] == "red")
    assert page.data["now"]["health"]["causes"][0]["code"] == "engine_stopped"
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad_message"),
        ("{", "bad_message"),
        ("[]", "bad_message"),
        ("null", "bad_message"),
        ('{"subscribe": "now"}', "bad_message"),
        ('{"subscribe": [1]}', "bad_message"),
        ('{"subscribe": [], "more": 1}', "bad_message"),
        (json.dumps({"subscribe": ["now"] * 17}), "bad_message"),
        ('{"subscribe": ["\\ud800"]}', "bad_message"),
        ("[" * 8000, "bad_message"),
        ('{"subscribe": ["later"]}', "unknown_topic"),
        ('{"subscribe": ["incident:../x"]}', "unknown_topic"),
        ('{"subscribe": ["ranking:hot:{"]}', "unknown_topic"),
        ('{"subscribe": ["ranking:hot:[1]"]}', "unknown_topic"),
    ],
)
@pytest.mark.usefixtures("state")
def test_a_message_that_is_none_is_answered_and_the_page_goes_on(
    console: Any, open_page: Any, text: str, code: str
) -> None:
    page = open_page(console)
    page.socket.send(text)
    assert page.take()["error"]["code"] == code
    page.subscribe("now")
    page.until(lambda data: "now" in data)


@pytest.mark.usefixtures("state")
def test_bytes_are_no_message(console: Any, open_page: Any) -> None:
    page = open_page(console)
    page.socket.send(b"\x00\xff")
    assert page.take()["error"]["code"] == "bad_message"


@pytest.mark.usefixtures("state")
def test_a_frame_beyond_the_limit_ends_the_connection(console: Any, open_page: Any) -> None:
    page = open_page(console)
    page.socket.send("x" * 20_000)
    with pytest.raises(ConnectionClosed):
        page.take()


@pytest.mark.usefixtures("state")
def test_a_flood_of_messages_ends_the_connection(console: Any, open_page: Any) -> None:
    page = open_page(console)
    with pytest.raises(ConnectionClosed):
        _flood(page)


@pytest.mark.usefixtures("state")
def _flood(page: Any) -> None:
    for _ in range(500):
        page.subscribe("now")
    page.until(lambda _: False)


def test_another_site_s_page_is_not_let_in(console: Any) -> None:
    with pytest.raises(InvalidStatus) as refused, console.live(Origin="http://evil.example"):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.usefixtures("state")
def test_a_name_that_was_rebound_to_loopback_is_not_let_in(console: Any) -> None:
    port = int(console.address.rpartition(":")[2])
    name = f"evil.example:{port}"
    with (
        socket.create_connection(("127.0.0.1", port)) as raw,
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://{name}/api/live", sock=raw, origin=f"http://{name}"),
    ):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.slow
def test_a_reader_that_stands_still_is_later_given_the_newest_and_not_what_it_missed(
    console: Any, engine: Any, open_page: Any
) -> None:
    page = open_page(console, "now")
    page.socket.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    page.until(lambda data: data["now"]["engine"]["status"] == "running")
    wide = [{"place": place, "key": {"base_mck": "M" * 9000 + str(place)}} for place in range(1, 60)]
    # some fit into the buffers between server and page; then the server must wait, and goes on making newer ones
    for number in range(100):
        ranks = {"hot": [{**each, "score": float(number)} for each in wide]}
        engine.say(ranks=ranks, streams={"hits": {"keys": number}})
        time.sleep(0.06)
    page.until(lambda data: data["now"]["streams"]["hits"].get("keys") == 99)
    assert page.kinds.count("snapshot") > 1
    assert len(page.kinds) < 40
