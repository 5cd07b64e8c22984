"""Changes of the catalogue through Kafka: followed into an index, and sent there by replicas
(docs/following.md)."""
