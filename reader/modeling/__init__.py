"""The DeFormer model: layers, attention, the split and the span head."""
