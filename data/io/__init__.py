"""Reading and writing files: lines, JSON records, field checks, error policies, atomic files."""
