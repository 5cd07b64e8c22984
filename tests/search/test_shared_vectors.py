"""Query vectors that one process encodes and others get from Redis."""

from __future__ import annotations

import secrets
import time

import numpy as np
import pytest
from redis import Redis

from search.settings import RedisSettings
from search.shared_vectors import SharedEncoder, shared
from tests.engines.redis import RedisServer
from tests.indexer.shop import WordHashEncoder


def two(redis: RedisServer) -> tuple[SharedEncoder, SharedEncoder, list[WordHashEncoder]]:
    """The encoders of two processes."""
    settings = RedisSettings(url=redis.url, prefix=f"t{secrets.token_hex(4)}")
    own = [WordHashEncoder(), WordHashEncoder()]
    one, other = (SharedEncoder(each, settings) for each in own)
    return one, other, own


def test_what_one_process_has_encoded_another_need_not(redis: RedisServer) -> None:
    one, other, own = two(redis)
    texts = ["red kettle", "blue lamp", "red kettle"]
    first = one.encode(texts)
    again = other.encode([*texts, "green pot"])
    assert np.array_equal(again[:3], first)
    assert np.array_equal(again[3], own[0].encode(["green pot"])[0])
    assert own[0].encoded == 3, "each text once, and one by this test"
    assert own[1].encoded == 1
    assert (other.asked, other.found) == (3, 2)


def test_no_text_is_kept_and_nothing_for_good(redis: RedisServer) -> None:
    one, _, _ = two(redis)
    one.encode(["wedding gift for anna"])
    with Redis.from_url(redis.url) as client:
        keys = [key for key in client.keys("t*") if b":vector:" in key]
        assert keys
        assert not any(b"anna" in key for key in keys)
        assert all(0 < client.ttl(key) <= 86_400 for key in keys)


def test_what_is_no_vector_is_encoded_anew(redis: RedisServer) -> None:
    one, other, own = two(redis)
    right = one.encode(["red kettle"])
    with Redis.from_url(redis.url) as client:
        [key] = [each for each in client.keys("t*") if one._key("red kettle").encode() == each]
        client.set(key, b"half")
    assert np.array_equal(other.encode(["red kettle"]), right)
    assert own[1].encoded == 1


def test_a_server_that_is_full_is_told_of_without_what_it_was_sent(
    redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    one, _, own = two(redis)
    with Redis.from_url(redis.url) as client:
        client.config_set("maxmemory", 1)
        try:
            encoded = one.encode(["red kettle"])
        finally:
            client.config_set("maxmemory", 0)
    assert np.array_equal(encoded, own[0].encode(["red kettle"]))
    (line,) = caplog.messages
    assert line.startswith("query vectors are not shared: command not allowed when used memory")
    assert ":vector:" not in line


def test_a_server_that_is_away_costs_little_and_is_asked_again_later(redis: RedisServer) -> None:
    moment = 0.0
    settings = RedisSettings(url=redis.url, prefix=f"t{secrets.token_hex(4)}")
    encoder = SharedEncoder(WordHashEncoder(), settings, lambda: moment)
    encoder.encode(["warm"])
    redis.pause()
    try:
        start = time.perf_counter()
        for n in range(50):
            encoder.encode([f"kettle {n}"])
        assert time.perf_counter() - start < 1.0
    finally:
        redis.resume()
    asked = encoder.found
    encoder.encode(["warm"])
    assert encoder.found == asked, "left alone for a while"
    moment = 6.0
    encoder.encode(["warm"])
    assert encoder.found == asked + 1


def test_without_a_server_nothing_is_shared() -> None:
    own = WordHashEncoder()
    assert shared(own, RedisSettings()) is own
