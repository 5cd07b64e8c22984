"""Judgments are read as the tools of others write them."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from eval.judgments import Judgments, load_counts, load_judgments, load_query_texts
from search.errors import BadInput

STAR_TREK = {"star trek": {"1370": 3.0, "152": 0.0}}


def read(tmp_path: Path, text: str | bytes, queries: dict[str, str] | None = None) -> Judgments:
    path = tmp_path / "judgments"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_judgments(path, queries)


QUEPID_CASE = {
    "case_name": "films",
    "options": {},
    "scorer": {"name": "nDCG@10"},
    "queries": [
        {
            "query_text": "star trek",
            "options": {},
            "ratings": [
                {"doc_id": "1370", "rating": 3.0, "user_email": "a@b.c"},
                {"doc_id": "152", "rating": 0},
                {"doc_id": "153", "rating": None},
            ],
        },
        {"query_text": "unrated", "ratings": []},
    ],
    "try": {"name": "Try 1"},
}
QUEPID_BOOK = {
    "name": "films",
    "scale": [0, 1, 2, 3],
    "query_doc_pairs": [
        {
            "query_text": "star trek",
            "doc_id": "1370",
            "position": 1,
            "document_fields": '{"title": "Star Trek"}',
            "judgements": [{"rating": 3.0}, {"rating": 3.0}, {"rating": 0, "unrateable": True}],
        },
        {"query_text": "star trek", "doc_id": "152", "judgements": [{"rating": 0.0}]},
        {"query_text": "star trek", "doc_id": "9", "judgements": [{"judge_later": True}]},
    ],
}
WORKBENCH = {
    "name": "Imported Judgments",
    "type": "IMPORT_JUDGMENT",
    "judgmentRatings": [
        {
            "query": "star trek",
            "ratings": [{"docId": "1370", "rating": "3.0"}, {"docId": "152", "rating": "0.000"}],
        }
    ],
}
EVALUATOR = {
    "index": "films",
    "id_field": "id",
    "topics": [
        {
            "query_groups": [
                {
                    "queries": [{"template": "t.json", "placeholders": {"$query": "star trek"}}],
                    "relevant_documents": {"1370": {"gain": 3}, "152": {"gain": 0}},
                }
            ]
        }
    ],
}
UBI = [
    {"query_id": "7", "query": "star trek", "document_id": "1370", "judgment": 3.0},
    {"query_id": "7", "query": "star trek", "document_id": "152", "judgment": 0.0},
]


@pytest.mark.parametrize(
    "value",
    [
        QUEPID_CASE,
        {"queries": [{"query": "star trek", "ratings": {"1370": 3, "152": 0}}]},
        QUEPID_BOOK,
        WORKBENCH,
        {"hits": {"hits": [{"_id": "x", "_source": WORKBENCH}]}},
        EVALUATOR,
        {
            "queries": [
                {
                    "placeholders": {"$query": "star trek"},
                    "relevant_documents": {"3": ["1370"], "0": ["152"]},
                }
            ]
        },
        UBI,
        {"star trek": {"1370": 3, "152": 0}},
    ],
)
def test_json_of_others_is_read(tmp_path: Path, value: object) -> None:
    assert read(tmp_path, orjson.dumps(value)).gains == STAR_TREK


def test_lines_of_json_are_read_with_the_action_lines_of_a_bulk_between(tmp_path: Path) -> None:
    text = "".join(f'{{"index": {{}}}}\n{orjson.dumps(judged).decode()}\n' for judged in UBI)
    assert read(tmp_path, text).gains == STAR_TREK


@pytest.mark.parametrize(
    "text",
    [
        "query,docid,rating\nstar trek,1370,3\nstar trek,152,0\nunrated,,",
        "Team Name,Case Name,Case ID,Query Text,Doc ID,Doc Position,Title,Rating\n"
        'me,films,1,star trek,1370,1,"Star Trek, 2009",3\nme,films,1,star trek,152,2,Nemesis,0\n',
        "query,docid,Ann,Bob\nstar trek,1370,3,3\nstar trek,152,,0\n",
        "\n3 qid:1 # 1370 star trek\n\n0 qid:1 # 152 star trek\n",
        "query-id\tquery\tcorpus-id\tscore\n1\tstar trek\t1370\t3\n1\tstar trek\t152\t0\n",
    ],
)
def test_tables_and_lines_of_others_are_read(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text).gains == STAR_TREK


def test_a_line_without_a_grade_is_counted_as_not_judged(tmp_path: Path) -> None:
    judgments = read(tmp_path, "query,docid,rating\nq,a,1\nq,b,\nr,,\n")
    assert (judgments.gains, judgments.unrated) == ({"q": {"a": 1.0}}, 2)
    with pytest.raises(BadInput, match="has products without a grade"):
        read(tmp_path, "query,docid,rating\nq,b,\n")


def test_queries_named_by_id_get_their_texts(tmp_path: Path) -> None:
    topics = tmp_path / "topics.tsv"
    for text in ("301\tstar trek\n\n302\tother\n", "query_id,query\n301,star trek\n302,other\n"):
        topics.write_text(text)
        texts = dict(load_query_texts(topics))
        assert texts == {"301": "star trek", "302": "other"}
        assert read(tmp_path, "301 0 1370 3\n301 0 152 0\n", texts).gains == STAR_TREK
    named = read(tmp_path, "query-id\tcorpus-id\tscore\n301\t1370\t3\n301\t152\t0\n", texts)
    assert named.gains == STAR_TREK
    # Runs may go by ids, and judgments by the texts.
    assert (
        read(tmp_path, "query,docid,rating\nstar trek,1370,3\nstar trek,152,0\n", texts).gains
        == STAR_TREK
    )
    with pytest.raises(BadInput, match="line 1, field 4: there is no text for the query '9'"):
        read(tmp_path, "9 0 1370 3\n", texts)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("301 star trek\n", "line 1: not a query id, a tab and a text"),
        ("301\tstar trek\n301\tother\n", "the query id 301 has two texts"),
    ],
)
def test_texts_of_queries_that_cannot_be_used_are_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "topics.tsv").write_text(text)
    with pytest.raises(BadInput, match=message):
        load_query_texts(tmp_path / "topics.tsv")


def test_how_often_queries_are_searched_is_read_from_judgments_and_logs(tmp_path: Path) -> None:
    judged = read(tmp_path, "query,frequency,product_id,label\nq,12,a,E\nq,12,b,I\nr,,a,E\n")
    assert judged.counts == {"q": 12.0}
    log = tmp_path / "log.csv"
    log.write_text("query,count\nq,3\nr,1\nq,2\n")
    assert load_counts(log) == {"q": 5.0, "r": 1.0}
    log.write_text("query,time\nq,1\nr,2\nq,3\n")
    assert load_counts(log) == {"q": 2.0, "r": 1.0}
    log.write_text("query,count\nq,many\n")
    with pytest.raises(BadInput, match="line 2: 'many' is no number of searches"):
        load_counts(log)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"queries": []}', "holds JSON without judgments"),
        ('{"queries": [', "not well-formed JSON"),
        ('{"query": "q", "docid": "a", "rating": 1}\n{"query"\n', "line 2: not well-formed JSON"),
        ('[{"query": "q", "rating": 1}]', "no product among query, rating; name it one of"),
        ('[{"query": "q", "docid": "a", "rating": -1}]', "product 'a': -1 cannot be a gain"),
        ('[{"query": "q", "docid": "a", "rating": "good"}]', "'good' is no grade"),
        ('[{"query": ["q"], "docid": "a", "rating": 1}]', "a judgment without a text"),
        ("[1]", "'1' where an object with judgments should be"),
        ("3 qid:1 # 1370 star trek\n3 1370\n", "line 2: not of the form"),
        ("query,docid,Ann,Bob\nq,a,1\n", "line 2: needs a query, a docid and a field for each"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read(tmp_path, text)
