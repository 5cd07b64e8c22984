"""A search engine behind HTTP, as a system to evaluate.

`http://host:8000` is an Aisle server. Any other is named by its whole address, with `{query}` where
the query goes, `{size}` where the number of products goes, and after a `#` where the answer's JSON
has the product ids: `http://host:9200/shop/_search?q={query}&size={size}#hits.hits[]._id`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from eval import Run
from search.errors import AisleError, BadInput

if TYPE_CHECKING:
    from aiohttp import ClientSession

AISLE_IDS = "hits[].id"
MOST = 100
"""Products asked for."""
AT_ONCE = 8
"""Requests under way at the same time."""
SECONDS = 30.0
"""An answer that takes longer counts as none."""
TRIES = 3
_BUSY = frozenset({429, 502, 503, 504})
_LONGEST_WAIT = 10.0
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An engine's address, and where its answers have the product ids."""

    template: str
    ids: str

    @property
    def place(self) -> str:
        """What messages call it: the address without query and password."""
        parts = urlsplit(self.template)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def url(self, query: str, size: int) -> str:
        """The address that answers a query."""
        filled = self.template.replace("{query}", quote(query, safe=""))
        return filled.replace("{size}", str(min(size, MOST)))

    async def run(
        self, queries: Sequence[str], depth: int, progress: Progress | None = None
    ) -> Run:
        """The product ids the engine gives for each query, in its order, a repeated one once.

        Raises:
            BadInput: it does not take the queries, or its answers have no ids at that place.
            AisleError: it cannot be reached, or fails.
        """
        try:
            from aiohttp import ClientSession, ClientTimeout
        except ImportError:
            raise BadInput(
                "systems behind HTTP need aiohttp: pip install 'aisle[eval]'", field="systems"
            ) from None
        limit, done = asyncio.Semaphore(AT_ONCE), 0
        async with ClientSession(timeout=ClientTimeout(total=SECONDS)) as session:

            async def ask(query: str) -> tuple[str, ...]:
                nonlocal done
                async with limit:
                    body = await self._answer(session, query, depth)
                done += 1
                if progress is not None:
                    progress(f"ask {self.place}", done, len(queries))
                return tuple(dict.fromkeys(find_ids(body, self.ids, f"{self.place}, {query!r}")))

            try:
                async with asyncio.TaskGroup() as group:
                    tasks = {query: group.create_task(ask(query)) for query in queries}
            except ExceptionGroup as failed:
                # The others were stopped for the first.
                raise failed.exceptions[0] from None
        return {query: task.result() for query, task in tasks.items()}

    async def _answer(self, session: ClientSession, query: str, depth: int) -> Any:
        import aiohttp

        url, fault = self.url(query, depth), ""
        for attempt in range(TRIES):
            wait = 0.25 * 2**attempt
            try:
                async with session.get(url) as answer:
                    text = await answer.text(errors="replace")
                    if answer.status == 200:
                        return _json(text, f"{self.place}, {query!r}")
                    fault = f"HTTP {answer.status}: {' '.join(text.split())[:200]}"
                    if answer.status not in _BUSY:
                        raise BadInput(f"{self.place} refuses {query!r}: {fault}", field="systems")
                    wait = max(wait, _seconds(answer.headers))
            except TimeoutError:
                fault = f"no answer within {SECONDS:g} seconds"
            except aiohttp.InvalidURL:
                raise BadInput(f"{self.place} is no address", field="systems") from None
            except aiohttp.ClientError as error:
                fault = str(error) or type(error).__name__
            if attempt + 1 < TRIES:
                await asyncio.sleep(wait)
        raise AisleError(f"{self.place} does not answer {query!r}, asked {TRIES} times: {fault}")


def parse_endpoint(text: str) -> Endpoint:
    """The engine of an address; see the head of this module.

    Raises:
        BadInput: the address has no place for the query, or the path cannot be read.
    """
    address, _, ids = text.partition("#")
    parts = urlsplit(address)
    if not parts.netloc:
        raise BadInput(f"{text!r} is no address; write http://host:port", field="systems")
    if parts.path in ("", "/") and not parts.query:
        address = f"{address.rstrip('/')}/v1/search?q={{query}}"
    if "{query}" not in address:
        raise BadInput(
            f"{text!r} has no place for the query; write {{query}} where it goes, such as"
            f" {address.rstrip('?')}?q={{query}}",
            field="systems",
        )
    if urlsplit(address).path.endswith("/v1/search"):
        # Aisle's own: no shopper sees these answers, and one page is as long as it can be.
        for name, value in (("size", "{size}"), ("log", "false")):
            if f"{name}=" not in address:
                address += f"&{name}={value}"
    ids = ids or AISLE_IDS
    _steps(ids)
    return Endpoint(address, ids)


def find_ids(body: Any, path: str, place: str) -> list[str]:
    """The product ids in an answer: `hits[].id` is the member `id` of each of `hits`.

    Raises:
        BadInput: there is no such member, or what is there is no id.
    """
    values: list[Any] = [body]
    for name in _steps(path):
        if name == "[]":
            if not all(isinstance(value, list) for value in values):
                raise BadInput(f"{place}: the answer has no list at {path!r}", field="systems")
            values = [each for value in values for each in value]
            continue
        for value in values:
            if not isinstance(value, dict) or name not in value:
                have = ", ".join(value) if isinstance(value, dict) else type(value).__name__
                raise BadInput(
                    f"{place}: the answer has no {name!r} for {path!r}, but {have[:200]}; say where"
                    " the ids are after a # in the address",
                    field="systems",
                )
        values = [value[name] for value in values]
    wrong = [v for v in values if not isinstance(v, str | int) or isinstance(v, bool)]
    if wrong:
        raise BadInput(f"{place}: {str(wrong[0])[:50]!r} at {path!r} is no product id")
    return [str(value) for value in values]


def _steps(path: str) -> list[str]:
    plain = path.replace("[*]", "[]")
    if not re.fullmatch(r"(\[\]|[^.\[\]]+)(\.[^.\[\]]+|\[\])*", plain):
        raise BadInput(
            f"{path!r} is no place in an answer; write it like hits.hits[]._id", field="systems"
        )
    return [step for step in re.split(r"\.|(\[\])", plain) if step]


def _json(text: str, place: str) -> Any:
    import orjson

    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        start = " ".join(text.split())[:80]
        raise BadInput(f"{place}: the answer is no JSON: {start!r}", field="systems") from None


def _seconds(headers: Mapping[str, str]) -> float:
    """How long to wait, as the server says."""
    text = headers.get("Retry-After", "")
    return min(float(text), _LONGEST_WAIT) if text.isdigit() else 0.0
