"""What is wrong with settings is said in words: what may be written, and where the fault stands."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from api.settings import load_settings
from search.errors import BadInput


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings file that is read."""
    path = tmp_path / "shop.toml"
    path.touch()
    monkeypatch.setenv("AISLE_SETTINGS", str(path))
    return path


def refusal() -> str:
    with pytest.raises(BadInput) as refused:
        load_settings()
    said = str(refused.value)
    # Neither patterns nor names of the program's own.
    assert not re.search(r"\^|\$|\[key\]|\{|pattern|instance of|class|EnvSettings|tuple", said)
    return said


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[diversity.caps]\nmarke = 2", "diversity.caps.marke: must be brand, category, color,"
         ' group or "attributes.NAME", such as brand = 2'),
        ("[index.weights]\ntitel = 2", "index.weights.titel: must be title, description, tags,"),
        ('[understanding]\nwithout = ["speling"]', "understanding.without: must be spelling, ph"),
        ('[systems."My Shop"]', "systems.My Shop: must be a name of 1 to 50 lower-case letters"),
        ('[ranking]\ncross_encoder = "a/b"', "not a path"),
        ('[models]\nregistry = "mysql"', "must be files, or mlflow:URI, such as mlflow:http://"),
        ('[artifacts]\nlocation = "bucket"', "must be s3://BUCKET/PREFIX, or the path"),
        ('[redis]\nprefix = "a b"', "must be 1 to 50 letters"),
        ('[server]\nprefix = "My"', "such as my-shop"),
        ('[events]\nkafka = "broker"', "must be HOST:PORT of a broker"),
        ('[events]\nclient_header = "X Client"', "such as X-Client-Id"),
        ('[experiments]\nstore = "file"', "must be sqlite, redis"),
        ('[kafka]\nevents_topic = "a b"', "must be 1 to 249 letters"),
        ('[catalogue]\npublish = "broker"', "such as kafka://kafka-1:9092/changes"),
        ('[serving]\nport = "x"', "serving.port: must be a whole number, such as 8000"),
        ("[serving]\nport = 80.5", "must be a whole number"),
        ('[serving]\ndeadline_seconds = "soon"', "must be a number, such as 2.0"),
        ('[ranking]\ndepth = "deep"', "must be a whole number, such as 20"),
        ('[words.weights]\nall = "x"', "words.weights.all: must be a number, such as 0.5"),
        ('[security]\nrequired = "maybe"', "must be true or false"),
        ("[meaning]\nencoder = 3", 'must be a text in quotes, such as "one"'),
        ("[serving]\nkey_file = 3", "must be a path in quotes"),
        ('[security]\nhosts = "a"', 'must be a list, such as ["one", "two"]'),
        ("serving = 3", "must be a table: [serving] with a line for each of its settings"),
        ("[index]\nweights = 3", "must be a table: [index.weights]"),
        ('[fusion]\nmethod = "sum"', "must be 'score_sum' or 'reciprocal_rank'"),
        ("[systems.a.ranking]\ndepht = 3", "no such setting (is it depth?)"),
        ("[serving]\npage_size = 3", "no such setting (is it limits.page_size?)"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_told_what_it_may_be(file: Path, text: str, told: str) -> None:
    file.write_text(text)
    said = refusal()
    assert told in said
    assert said.endswith(f"; mend it in {file}")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"a = ", "Invalid value"),
        (b"[serving\nport = 1", "at line 1"),
        ("a = 'ü'".encode("latin-1"), "it is not UTF-8 text"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(file: Path, text: bytes, told: str) -> None:
    file.write_bytes(text)
    said = refusal()
    assert f"the settings file {file} is not valid TOML" in said
    assert told in said


@pytest.mark.parametrize("wrong", ["none.toml", "."])
def test_a_settings_file_that_is_named_and_not_there_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    path = tmp_path / wrong
    monkeypatch.setenv("AISLE_SETTINGS", str(path))
    said = refusal()
    assert f"AISLE_SETTINGS in the environment names {path}, which is no file" in said
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AISLE_SETTINGS", "")
    load_settings()
    monkeypatch.delenv("AISLE_SETTINGS")
    load_settings()


def test_where_the_fault_stands_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("[serving]\nport = 1\n")
    monkeypatch.setenv("AISLE_LIMITS__FILTERS", "many")
    assert refusal().endswith("; mend it in the environment (AISLE_LIMITS__FILTERS)")
    monkeypatch.delenv("AISLE_LIMITS__FILTERS")
    monkeypatch.setenv("AISLE_REDIS__URL", "redis-1:6379")
    assert refusal().endswith("; mend it in the environment (AISLE_REDIS__URL)")
    monkeypatch.delenv("AISLE_REDIS__URL")
    file.write_text("[diversity.caps]\nmarke = 1\n")
    monkeypatch.setenv("AISLE_DIVERSITY__CAPS__MARKE", "2")
    assert refusal().endswith(
        f"; mend it in {file} or in the environment (AISLE_DIVERSITY__CAPS__MARKE)"
    )


@pytest.mark.parametrize(
    ("variable", "value", "example"),
    [
        ("AISLE_UNDERSTANDING__WITHOUT", "spelling", """'["one", "two"]'"""),
        ("AISLE_INDEX__WEIGHTS", "title", """a table as JSON"""),
        ("AISLE_FUSION", "x", """a table as JSON"""),
    ],
)
def test_lists_in_the_environment_are_json(
    file: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, example: str
) -> None:
    monkeypatch.setenv(variable, value)
    said = refusal()
    assert variable in said
    assert example in said


def test_a_variable_that_nobody_reads_is_remarked_on(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AISLE_SERVNG__PORT", "9000")
    monkeypatch.setenv("AISLE_SERVICE_HOST", "10.0.0.1")  # as Kubernetes sets for a service
    with caplog.at_level(logging.WARNING):
        load_settings()
    (remark,) = [each.getMessage() for each in caplog.records]
    assert remark == (
        "AISLE_SERVNG__PORT in the environment sets nothing: there is no [servng]"
        " (is it AISLE_SERVING__PORT?)"
    )


@pytest.mark.parametrize("name", ["rate", "anonymous_rate"])
def test_a_wrong_rate_is_refused_before_anything_starts(file: Path, name: str) -> None:
    file.write_text(f'[security]\n{name} = "fast"\n')
    assert refusal().startswith(f"setting security.{name}: 'fast' is no rate; write 100/second")


def test_a_text_of_the_right_form_is_taken(file: Path) -> None:
    file.write_text(
        '[diversity.caps]\nbrand = 2\n"attributes.material" = 3\n[systems.more-variety]\n'
        '[events]\nkafka = "a:1,b:2"\n[artifacts]\nlocation = "s3://shop/aisle?region=x"\n'
        '[models]\nregistry = "mlflow:sqlite:///m.db"\n'
        '[systems.plain.ranking]\ncross_encoder = ""\n'
    )
    settings = load_settings()
    assert settings.diversity.caps == {"brand": 2, "attributes.material": 3}
    assert set(settings.systems) == {"more-variety", "plain"}
