"""The online path: shared types, errors, seams, engines, fusion, the pipeline and its assembler."""
