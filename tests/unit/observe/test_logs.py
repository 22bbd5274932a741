import asyncio
import io
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from typing_extensions import override

from limen.observe import configure, log_request, logger, logs
from limen.settings.sections import LogSettings

CANARY = "canaryC4n4ry9xQ"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    before = (logs._SETUP.sink, logs._SETUP.level, logs._SETUP.as_text)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    configure(LogSettings(), stream=stream)
    yield stream
    logs._SETUP.sink, logs._SETUP.level, logs._SETUP.as_text = before
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_json(stream: io.StringIO) -> None:
    logger("vault").warning("refresh failed", provider="google", attempt=2)
    (line,) = lines(stream)
    assert line.pop("at").endswith("Z")
    assert line == {
        "level": "warning",
        "logger": "vault",
        "event": "refresh failed",
        "provider": "google",
        "attempt": 2,
    }


def test_n276_a_forged_line_stays_within_its_event(stream: io.StringIO) -> None:
    logger("x").info('sign-in\n{"event":"forged"}', agent="a\x1b[31m\r\nb")
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in lines(stream)[0]["agent"]


def test_n241_secrets_do_not_reach_the_line(stream: io.StringIO) -> None:
    log = logger("x").bind(cookie=CANARY)
    text = f"got Bearer {CANARY}"
    log.info(text, code=CANARY, form={"password": CANARY}, raw=b"canary")
    assert CANARY not in stream.getvalue()


def test_n241_an_exception_shows_its_kind_and_frames_and_no_values(stream: io.StringIO) -> None:
    def fail(raw_password: str) -> None:
        raise ValueError(f"no\n[parameters: {raw_password}]")

    try:
        fail(CANARY)
    except ValueError:
        logger("x").exception("unexpected")
    (line,) = lines(stream)
    assert line["error"] == "ValueError: no"
    assert line["level"] == "error"
    assert any(frame.endswith(" fail") for frame in line["frames"])
    assert CANARY not in stream.getvalue()


def test_a_cause_is_named(stream: io.StringIO) -> None:
    error = ValueError("outer")
    error.__cause__ = KeyError("inner")
    logger("x").error("unexpected", exc_info=error)
    assert lines(stream)[0]["cause"] == "KeyError: 'inner'"


def test_the_threshold_holds_for_loggers_made_before(stream: io.StringIO) -> None:
    log = logger("x")
    log.debug("quiet")
    configure(LogSettings(level="warning"), stream=stream)
    log.info("quiet")
    log.warning("loud")
    assert [line["event"] for line in lines(stream)] == ["loud"]


def test_text_is_one_line_too(stream: io.StringIO) -> None:
    configure(LogSettings(format="text"), stream=stream)
    logger("x").info("hello\nworld", password=CANARY, n=1)
    assert stream.getvalue().count("\n") == 1
    assert "x: hello\\nworld password=[hidden] n=1" in stream.getvalue()


def test_libraries_come_out_in_the_same_form(stream: io.StringIO) -> None:
    configure(LogSettings(), stream=stream, libraries=True)
    logging.getLogger("uvicorn.error").warning("client sent Bearer %s", CANARY)
    logging.getLogger("asyncio").debug("quiet")
    logging.getLogger("odd").error("%d", "not a number")
    first, second = lines(stream)
    assert (first["logger"], first["level"]) == ("uvicorn.error", "warning")
    assert first["event"] == "client sent Bearer [hidden]"
    assert second["event"] == "%d"


def test_without_configuration_lines_go_to_the_hosts_logging(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, logger="limen"):
        logger("x").info("hello", token=CANARY)
    assert '"event":"hello"' in caplog.text
    assert CANARY not in caplog.text


def test_the_line_of_a_request_has_no_path(stream: io.StringIO) -> None:
    log_request(method="GET", route="/t/{slug}/x", status=200, seconds=0.0123)
    (line,) = lines(stream)
    assert (line["route"], line["status"], line["milliseconds"]) == ("/t/{slug}/x", 200, 12.3)


class Talking(io.StringIO):
    """While it is written to, something says a word of its own: garbage that is collected."""

    has_said = False

    @override
    def write(self, text: str, /) -> int:
        if not self.has_said:
            self.has_said = True
            logger("x").warning("never retrieved")
        return super().write(text)


def test_what_is_said_while_lines_are_written_neither_waits_nor_repeats_them(
    stream: io.StringIO,
) -> None:
    talking = Talking()
    configure(LogSettings(), stream=talking)
    saying = threading.Thread(target=logger("x").warning, args=["first"], daemon=True)
    saying.start()
    saying.join(10)
    assert not saying.is_alive()
    assert sorted(line["event"] for line in lines(talking)) == ["first", "never retrieved"]


def test_lines_of_a_turn_are_written_at_its_end_and_a_warning_takes_them_along(
    stream: io.StringIO,
) -> None:
    async def say() -> list[int]:
        told = []
        logger("x").info("one")
        logger("x").info("two")
        told.append(len(lines(stream)))
        await asyncio.sleep(0)
        told.append(len(lines(stream)))
        logger("x").info("three")
        logger("x").warning("four")
        return [*told, len(lines(stream))]

    assert asyncio.run(say()) == [0, 2, 4]
    assert [line["event"] for line in lines(stream)] == ["one", "two", "three", "four"]


def test_a_loop_that_ended_keeps_no_lines_of_the_next(stream: io.StringIO) -> None:
    ended = asyncio.new_event_loop()

    def say_and_stop() -> None:
        logger("x").info("before")
        ended.stop()

    async def say() -> None:
        logger("x").info("after")

    ended.call_soon(say_and_stop)
    ended.run_forever()
    ended.close()
    asyncio.run(say())
    assert [line["event"] for line in lines(stream)] == ["before", "after"]


def test_a_character_the_terminal_cannot_show_costs_no_line(stream: io.StringIO) -> None:
    raw = io.BytesIO()
    configure(LogSettings(), stream=io.TextIOWrapper(raw, encoding="latin-1"))

    async def say() -> None:
        for event in ("before", "\u0142", "after"):
            logger("x").info(event)

    asyncio.run(say())
    told = raw.getvalue().decode("latin-1").splitlines()
    assert [json.loads(line)["event"] for line in told] == ["before", "\u0142", "after"]
