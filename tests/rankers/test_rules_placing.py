"""Pins and sponsored slots: exactly where they are wanted, and nothing else out of order."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rankers.rules.placing import place
from search.types import Effects, Pin, Placeable, Ranking, Sponsored


def ranked(*ordinals: int) -> Ranking:
    scores = np.linspace(1, 0.5, len(ordinals), dtype=np.float32)
    return Ranking(np.array(ordinals, np.int32), scores)


def pins(*positions: int) -> Effects:
    return Effects(pins=tuple(Pin(f"p{n}", at, f"rule {n}") for n, at in enumerate(positions)))


def slots(*positions: int, most: int = 9, rule: str = "paid") -> Sponsored:
    return Sponsored(rule, positions, filters=(), most=most)


def test_a_pin_takes_its_position_and_the_others_close_up() -> None:
    found = place(pins(2), ranked(10, 11, 12, 13), Placeable((13,)))
    assert found.ranking.ordinals.tolist() == [10, 13, 11, 12]
    assert (found.moves[13].rule, found.moves[13].kind, found.moves[13].before) == (
        "rule 0",
        "pin",
        4,
    )


def test_a_product_that_was_no_result_comes_in() -> None:
    found = place(pins(1), ranked(10, 11), Placeable((99,)))
    assert found.ranking.ordinals.tolist() == [99, 10, 11]
    assert found.moves[99].before is None


def test_of_two_pins_at_one_position_the_second_takes_the_next_free_one() -> None:
    found = place(pins(1, 1, 2), ranked(10, 11, 12, 13), Placeable((13, 12, 11)))
    assert found.ranking.ordinals.tolist() == [13, 11, 12, 10]


def test_a_pin_beyond_the_last_result_is_the_last_result() -> None:
    found = place(pins(50, 80), ranked(10, 11, 12), Placeable((10, 11)))
    assert found.ranking.ordinals.tolist() == [12, 10, 11]


def test_who_asks_for_the_last_result_gets_it_though_another_asks_too() -> None:
    found = place(pins(3, 3), ranked(10, 11, 12), Placeable((10, 11)))
    assert found.ranking.ordinals.tolist() == [12, 11, 10]


def test_a_pin_that_may_not_be_shown_changes_nothing() -> None:
    found = place(pins(1), ranked(10, 11), Placeable((None,)))
    assert found.ranking.ordinals.tolist() == [10, 11]
    assert not found.moves


def test_one_of_a_variant_group_is_shown_where_variants_are_grouped() -> None:
    groups = np.array([7, 7, -1, 7, -1], np.int32)
    found = place(pins(3, 1), ranked(0, 2, 4), Placeable((3, 1), groups=groups))
    assert found.ranking.ordinals.tolist() == [2, 4, 3]


def test_a_page_holds_no_more_sponsored_products_than_allowed() -> None:
    effects = Effects(sponsored=(slots(1, 2, 3, 5),))
    placeable = Placeable(sponsored=((14, 15, 16, 17),), page=4, most=2)
    found = place(effects, ranked(*range(10, 18)), placeable)
    assert found.ranking.ordinals.tolist() == [14, 15, 10, 11, 16, 12, 13, 17]
    assert sorted(found.moves) == [14, 15, 16]


def test_a_rule_may_allow_itself_fewer_than_a_page_may_have() -> None:
    effects = Effects(sponsored=(slots(1, 2, 5, most=1),))
    placeable = Placeable(sponsored=((14, 15, 16),), page=4, most=3)
    found = place(effects, ranked(*range(10, 18)), placeable)
    assert found.ranking.ordinals.tolist() == [14, 10, 11, 12, 15, 13, 16, 17]


def test_a_pin_comes_before_a_sponsored_product() -> None:
    effects = Effects(pins=(Pin("p", 1, "pin"),), sponsored=(slots(1, 2),))
    found = place(effects, ranked(10, 11, 12), Placeable((10,), ((10, 12),)))
    assert found.ranking.ordinals.tolist() == [10, 12, 11]
    assert [found.moves[each].kind for each in (10, 12)] == ["pin", "sponsored"]


def test_a_slot_beyond_the_last_result_stays_empty() -> None:
    effects = Effects(sponsored=(slots(9),))
    found = place(effects, ranked(10, 11), Placeable(sponsored=((11,),)))
    assert found.ranking.ordinals.tolist() == [10, 11]
    assert not found.moves


positions = st.lists(st.integers(1, 30), max_size=6)
documents = st.lists(st.integers(0, 40), unique=True, max_size=30)
groups_of = st.lists(st.integers(-1, 8), min_size=61, max_size=61)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Effects, Ranking, Placeable]:
    ordinals = draw(documents)
    groups = np.array(draw(groups_of), np.int32) if draw(st.booleans()) else None
    if groups is not None:  # a grouped ranking has one of each
        best = {int(groups[each]): each for each in reversed(ordinals)}
        ordinals = [
            each for each in ordinals if groups[each] < 0 or best[int(groups[each])] == each
        ]
    wanted = draw(positions)
    pinned = draw(st.lists(st.one_of(st.none(), st.integers(0, 60)), min_size=6, max_size=6))
    paid = draw(st.lists(st.integers(0, 60), unique=True, max_size=8))
    places = tuple(sorted(set(draw(positions))))
    effects = Effects(
        pins=pins(*wanted).pins,
        sponsored=(slots(*places, most=draw(st.integers(1, 3))),) if places else (),
    )
    placeable = Placeable(
        tuple(pinned[: len(wanted)]),
        (tuple(paid),) if places else (),
        groups,
        page=draw(st.integers(1, 12)),
        most=draw(st.integers(0, 3)),
    )
    return effects, ranked(*ordinals), placeable


@given(cases())
def test_nothing_is_lost_doubled_or_out_of_order(
    case: tuple[Effects, Ranking, Placeable],
) -> None:
    effects, ranking, placeable = case
    found = place(effects, ranking, placeable)
    after, before = found.ranking.ordinals.tolist(), ranking.ordinals.tolist()
    assert len(set(after)) == len(after)
    rest = [each for each in after if each not in found.moves]
    kept = [each for each in before if each in set(rest)]
    assert rest == kept
    if placeable.groups is None:
        assert set(after) == set(before) | set(found.moves)
    else:
        of = placeable.groups
        shown = [int(of[each]) for each in after if of[each] >= 0]
        assert len(set(shown)) == len(shown)
        wanted = {int(of[each]) for each in before if of[each] >= 0}
        assert wanted <= set(shown)
    assert (np.diff(found.ranking.scores) <= 0).all()


def once(placeable: Placeable, ordinal: int) -> tuple[bool, int]:
    """What is shown only once: a variant group, or a product."""
    group = -1 if placeable.groups is None else int(placeable.groups[ordinal])
    return (True, group) if group >= 0 else (False, ordinal)


@given(cases())
def test_pins_have_their_positions_and_slots_their_caps(
    case: tuple[Effects, Ranking, Placeable],
) -> None:
    effects, ranking, placeable = case
    found = place(effects, ranking, placeable)
    after = found.ranking.ordinals.tolist()
    before = {once(placeable, each) for each in ranking.ordinals.tolist()}
    at = {each: n for n, each in enumerate(after, 1)}
    firsts: dict[int, int] = {}
    for pin, ordinal in zip(effects.pins, placeable.pins, strict=True):
        if ordinal is None or ordinal not in found.moves:
            continue
        if found.moves[ordinal].rule == pin.rule:
            firsts.setdefault(pin.position, ordinal)
    results = len(after) - sum(
        move.kind == "sponsored" and once(placeable, each) not in before
        for each, move in found.moves.items()
    )
    placed = sum(move.kind == "pin" for move in found.moves.values())
    for position, ordinal in firsts.items():
        assert at[ordinal] == position or results - placed < at[ordinal] <= results < position
    pages: dict[int, int] = {}
    for each, move in found.moves.items():
        if move.kind == "sponsored":
            assert at[each] in effects.sponsored[0].positions
            page = (at[each] - 1) // placeable.page
            pages[page] = pages.get(page, 0) + 1
    assert all(n <= min(placeable.most, effects.sponsored[0].most) for n in pages.values())


def test_nobody_pays_for_a_lower_place_than_their_own() -> None:
    effects = Effects(sponsored=(slots(3),))
    found = place(effects, ranked(10, 11, 12, 13, 14), Placeable(sponsored=((10, 12, 14),)))
    assert found.ranking.ordinals.tolist() == [10, 11, 14, 12, 13]
    assert list(found.moves) == [14]


def test_with_variants_grouped_the_best_of_a_group_is_its_own_place() -> None:
    groups = np.array([7, -1, -1, 7, -1], np.int32)
    effects = Effects(sponsored=(slots(2),))
    found = place(effects, ranked(0, 1, 2), Placeable(sponsored=((3, 4),), groups=groups))
    assert found.ranking.ordinals.tolist() == [0, 4, 1, 2]
