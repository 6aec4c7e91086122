"""Published and measured figures, run again and compared."""
