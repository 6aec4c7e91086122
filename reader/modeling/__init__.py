"""The DeFormer model: layers, attention, the split, the span head."""
