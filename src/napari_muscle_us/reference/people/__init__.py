"""Tables of people: columns, units, sexes, and who is whom."""
