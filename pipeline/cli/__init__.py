"""The commands, by what they act on. Heavy imports wait until a command needs them."""
