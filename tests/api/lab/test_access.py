"""Who may look at the lab, and who may have it compute."""

from __future__ import annotations

from pathlib import Path

from api.settings import LabSettings
from tests.api.conftest import connected


async def test_a_key_is_needed_where_keys_are_set(lab_data: Path) -> None:
    async with connected(lab_data, api_keys=("schlüssel", "plain")) as client:
        for path in ("/lab", "/lab/export/drift/drift.csv", "/lab/runs/compare?a=x&b=y"):
            answer = await client.get(path)
            assert answer.status_code == 401
            # No challenge a browser would answer by itself, with every request from anywhere.
            assert "www-authenticate" not in answer.headers
            assert 'action="/login" method="post"' in answer.text
            assert "queries drifted" not in answer.text
            assert "/lab/experiments" not in answer.text
        assert (await client.post("/lab/propensity")).status_code == 401
        assert (await client.get("/lab", auth=("me", "schlüssel"))).status_code == 200
        assert (await client.get("/lab", auth=("schlüssel", "other"))).status_code == 403
        assert (await client.get("/lab", auth=("me", ""))).status_code == 401
        for header in ({"X-API-Key": "plain"}, {"Authorization": "Bearer plain"}):
            assert (await client.get("/lab", headers=header)).status_code == 200
        broken = {"Authorization": "Basic %%%"}
        assert (await client.get("/lab", headers=broken)).status_code == 401


async def test_pages_of_other_sites_start_nothing(lab_data: Path) -> None:
    async with connected(lab_data) as client:
        there = await client.post("/lab/propensity", headers={"Origin": "https://elsewhere.test"})
        assert there.status_code == 403
        assert "is being made" not in (await client.get("/lab/propensity")).text


async def test_the_lab_can_be_turned_off(lab_data: Path) -> None:
    async with connected(lab_data, lab=LabSettings(enabled=False)) as client:
        for path in ("/lab", "/lab/runs", "/lab/export/drift/drift.csv"):
            assert (await client.get(path)).status_code == 404


async def test_the_interface_for_programs_does_not_name_the_lab(lab_data: Path) -> None:
    async with connected(lab_data) as client:
        assert "/lab" not in (await client.get("/openapi.json")).text
