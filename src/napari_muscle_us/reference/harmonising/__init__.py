"""Tables of several centres: ComBat."""
