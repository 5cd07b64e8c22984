"""`aisle bench`: catalogues of any size whose statistics follow a real one, and what is measured on
them."""
