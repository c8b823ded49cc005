"""Whether what the registry says of two schemas is what a decoder really does with them."""
