"""Reading and writing files: lines, JSON records, checked fields, formats, error policy."""
