"""A learning log that is kept, with what folding it gave: so that an upgrade which changes learning is seen."""
