"""The storefront's files over HTTP: the page, its assets, the catalogue's pictures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.settings import AppSettings
from api.storefront import PAGES, load_storefront

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("data")
    images = data / "shop" / "images"
    images.mkdir(parents=True)
    (images / "kettle red.svg").write_bytes(SVG)
    (images / "kettle.WEBP").write_bytes(b"RIFF")
    (images / "notes.txt").write_text("private")
    (data / "secret.svg").write_bytes(SVG)
    (images / "outside.svg").symlink_to(data / "secret.svg")
    return data


@pytest.fixture(scope="module")
def client(data: Path) -> TestClient:
    return TestClient(create_app(AppSettings(data=data)))


def assets_of(page: str) -> list[str]:
    return re.findall(r'(?:href|src)="(/assets/[^"]+)"', page)


def test_the_page_needs_no_index_and_is_revalidated_at_every_visit(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    again = client.get("/", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_page_may_run_only_its_own_scripts(client: TestClient) -> None:
    answer = client.get("/")
    policy = dict(part.strip().split(" ", 1) for part in
                  answer.headers["content-security-policy"].split(";"))  # fmt: skip
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["img-src"] == "'self' data: https:"
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", answer.text)


def test_browsers_find_the_icon_where_they_look_for_it(client: TestClient) -> None:
    answer = client.get("/favicon.ico")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.content == (PAGES / "icon.svg").read_bytes()


def test_every_asset_the_page_names_is_there_and_kept_for_good(client: TestClient) -> None:
    names = assets_of(client.get("/").text)
    assert len(names) > 10
    for name in names:
        answer = client.get(name)
        assert answer.status_code == 200, name
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        suffix = Path(name).suffix
        kind = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}[suffix]
        assert answer.headers["content-type"].startswith(kind)


def test_no_script_or_style_names_another_host() -> None:
    for path in PAGES.rglob("*"):
        if path.suffix in (".js", ".css", ".html"):
            text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
            assert not re.search(r"https?://[\w.]", text), path


def test_a_changed_file_changes_the_addresses_and_old_ones_are_gone(
    client: TestClient, tmp_path: Path
) -> None:
    for name in ("index.html", "js/app.js"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{{assets}} {{preloads}}")
    before = load_storefront(tmp_path)
    (tmp_path / "js/app.js").write_text("changed")
    after = load_storefront(tmp_path)
    assert before.mark != after.mark
    assert after.mark.encode() in after.page.content
    gone = client.get(f"/assets/{before.mark}/js/app.js")
    assert (gone.status_code, gone.headers["content-type"]) == (404, "application/problem+json")


def test_assets_are_sent_compressed_to_those_who_take_it(client: TestClient) -> None:
    name = next(name for name in assets_of(client.get("/").text) if name.endswith("base.css"))
    packed = client.get(name, headers={"accept-encoding": "gzip"})
    plain = client.get(name, headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 2


def test_pictures_have_their_types_and_cannot_run_scripts(client: TestClient) -> None:
    drawn = client.get("/images/kettle%20red.svg")
    assert drawn.content == SVG
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in drawn.headers["content-security-policy"]
    assert "script-src" not in drawn.headers["content-security-policy"]
    assert client.get("/images/kettle.WEBP").headers["content-type"] == "image/webp"
    again = client.get("/images/kettle%20red.svg", headers={"if-none-match": drawn.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "missing.svg",
        "notes.txt",
        "outside.svg",
        "../secret.svg",
        "..%2fsecret.svg",
        "%2e%2e/secret.svg",
        "a/..%2f..%2fsecret.svg",
        "%2fetc/passwd.svg",
        "..%5csecret.svg",
        "kettle%00.svg",
        "x" * 5000 + ".svg",
        "",
        "kettle red.svg/x.svg",
    ],
)
def test_only_pictures_inside_the_directory_are_given_out(client: TestClient, path: str) -> None:
    answer = client.get(f"/images/{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert b"svg xmlns" not in answer.content


def test_a_catalogue_without_pictures_is_no_fault(tmp_path: Path) -> None:
    client = TestClient(create_app(AppSettings(data=tmp_path)))
    assert client.get("/images/kettle.svg").status_code == 404
