"""Questions that a catalogue's own words make, and the wrong answers set beside them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from search.types import Product
from training.encoder.catalogue import Catalogue, Question, example, questions, title_words

SENTENCES = (
    "A kettle that boils a litre of water in three minutes, quietly and without any fuss, "
    "with a handle that stays cool to the touch even after long use. "
    "The lid opens wide for cleaning. The cord wraps under the base when it is put away."
)
PRODUCTS = [
    Product(
        id=str(row),
        title=f"{brand} {color} kettle {row} litre",
        description=SENTENCES,
        brand=brand,
        category=("Kitchen", "Kettles"),
        color=color,
        attributes={"material": "steel", "power_source": "mains", "boils": True, "watts": 2200.0},
        group=f"g{row // 2}",
    )
    for row, (brand, color) in enumerate(
        [("Nordwind", "red"), ("Nordwind", "blue"), ("Alba", "red"), ("Alba", "green")] * 3
    )
]
TEXTS = [product.title for product in PRODUCTS]
CATALOGUE = Catalogue.of(PRODUCTS, TEXTS)


@given(st.integers(0, 1000))
def test_questions_differ_are_about_their_product_and_repeatable(seed: int) -> None:
    made = questions(CATALOGUE, 20, seed)
    assert len(made) == 20 == len({(each.text, each.row) for each in made})
    assert made == questions(CATALOGUE, 20, seed)
    known = {word for sentence in SENTENCES.lower().split() for word in [sentence.strip(".,")]}
    for each in made:
        product = PRODUCTS[each.row]
        own = {*title_words(product), "kitchen", "kettles", "color", "material", "steel"}
        own |= {"power", "source", "mains", *known}
        assert {word.strip(".,") for word in each.text.lower().split()} <= own


def test_sentences_come_from_what_the_products_own_text_leaves_out() -> None:
    asked = {each.text for each in questions(CATALOGUE, 60, 1)} & set(SENTENCES.split(". "))
    sentences = {each.text for each in questions(CATALOGUE, 60, 1) if each.text.endswith(".")}
    assert asked | sentences
    assert all(text.startswith(("The lid", "The cord")) for text in asked | sentences)


def test_what_may_answer_as_well_is_no_wrong_answer() -> None:
    # Row 1 is a variant of row 0, row 4 has every word asked for, row 8 answers as well.
    made = example(Question("red kettle", 0, {8}), CATALOGUE, [1, 4, 8, 0, 3, 5])
    assert made.texts == (TEXTS[0], TEXTS[3], TEXTS[5])
    assert made.gains == (1.0, 0.0, 0.0)
    assert made.relevant == {TEXTS[8]}


def test_at_most_three_wrong_answers_are_taken() -> None:
    made = example(Question("violet kettle", 0), CATALOGUE, range(2, 12))
    assert made.texts == (TEXTS[0], TEXTS[2], TEXTS[3], TEXTS[4])


def test_products_with_nothing_but_a_short_title_make_no_questions() -> None:
    bare = [Product(id="1", title="kettle"), Product(id="2", title="")]
    assert questions(Catalogue.of(bare, ["kettle", ""]), 5, 0) == []
    assert questions(Catalogue.of([], []), 5, 0) == []
