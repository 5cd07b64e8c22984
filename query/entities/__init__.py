"""What a query names of the catalogue: brands, colors, sizes, materials, kinds of thing.

Kept free of imports: spaCy takes a second. `builder.EntitiesBuilder` learns,
`rewriter.open_entities` opens.
"""
