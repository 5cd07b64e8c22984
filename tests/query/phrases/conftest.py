from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from query.normalize import normalize_query
from query.parts import Corpus
from query.phrases.builder import PhrasesBuilder
from query.phrases.rewriter import open_phrases
from search.types import Product, Query

Understand = Callable[[str], Query]

TITLES = """
Steel Whistling Kettle with Lid, 1.5 l
Glass Kettle with Wooden Handle 2 l
Camp Kettle 1.2 l, Removable Handle
Office Desk Chair with Wheels and Armrests
Garden Bench with Cushion and Footrest
Mesh Swim Shorts with Mesh Liner
Running Shorts Mesh Liner Blue
Leather Belt with Brass Buckle, Brown
Canvas Belt No Buckle Elastic
Weighted Blanket with Glass Beads 15 lbs
Throw Blanket Glass Beads Weighted Wool
Wool Picnic Blanket 60" x 80"
Non Stick Frying Pan 28 cm
Non Stick Griddle Induction
Non-Slip Bath Mat, Latex
Sugar Free Chewing Gum 12 Pack
Sugar Free Gum Mint
Gluten-Free Crackers
No Show Socks 6 Pairs
No Show Socks for Women
No Bake Cake Mix
Walking Shoes Air Max 90
Running Shoes Air Max 95
Budget Planner Monthly
Budget Planner with Stickers
Premium Leather Wallet
Premium Cotton Towel
Premium Wool Scarf
Sing Without Sorrow Songbook
Sing Without Sorrow Poster
Free Standing Mirror
Free Standing Coat Rack
Laptop Sleeve 15.6 Inch
Laptop 16GB RAM 512GB SSD
Wall Lamp with Cord and Switch
LED Wall Lamp Wireless
Bedside Lamp LED Dimmable 9 W
Thermostat Wireless C Wire Required
Smart Thermostat with C Wire
Faucet Drain Solid Brass with Overflow
Faucet Drain Brass Overflow
Rug 5 x 7 Abstract
Sunscreen Lotion 30-50 Protection
Backpack with Rain Cover and Pockets
Party Cups Plastic Pack of 50
Dog Bite Not Collar Soft
Cat Bite Not Collar Small
Red Apple Peeler
Scented Candle Fan Gift
Desk Fan with Light, Quiet
Ceiling Fan with Light and Remote
Dress with Sleeves
Water Bottle 32 oz with Straw
Cable 2 m Braided
Phone Pro Max Case
""".strip().splitlines()


def catalogue() -> list[Product]:
    """Products from 8 to 400 dollars; some with flags, colors, materials and a brand like 3M."""
    products = [
        Product(str(number), title, price=8.0 + 7.4 * number, currency="USD")
        for number, title in enumerate(TITLES)
    ]
    more = [
        Product("a", "Teapot", attributes={"lid": True, "infuser": False}, price=20.0),
        Product("b", "Mug", attributes={"lid": False, "material": "stoneware"}, color="white"),
        Product("c", "Mug", attributes={"material": "leather"}, color="white", brand="Grunelda"),
        Product("d", "Cup", color="white", brand="3M"),
        Product("e", "Desk Mat", color="black", attributes={"double_wall": True}),
    ]
    return products + more


def learn(products: Iterable[Product], directory: Path) -> Understand:
    """The rewriter of a catalogue, on texts."""
    builder, sample = PhrasesBuilder(), list(products)
    for product in sample:
        builder.add(product)
    directory.mkdir(parents=True, exist_ok=True)
    builder.write(directory, Corpus(len(sample), sample))
    rewrite = open_phrases(directory)
    return lambda text: rewrite(normalize_query(Query(text)))


@pytest.fixture(scope="session")
def understand(tmp_path_factory: pytest.TempPathFactory) -> Understand:
    """Understands the phrases of a query over the catalogue above."""
    return learn(catalogue(), tmp_path_factory.mktemp("phrases"))
