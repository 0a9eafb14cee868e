"""All muscles of a person: Z-scores, decision rule, follow-up, body map."""
