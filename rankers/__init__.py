"""Features, ranking models at serving time, business rules, diversity and explanation."""
