"""What every engine holds in the serving process: columns, documents, vectors, texts, and the live
changes on them. Engines differ in who finds words."""
