"""From stored states to answer spans: runtimes, span decoding, number formats."""
