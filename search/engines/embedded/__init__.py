"""The embedded engine: tantivy, FAISS and memory-mapped columns in the serving process."""
