"""From stored states to answer spans: runtimes, span decoding and number formats."""
