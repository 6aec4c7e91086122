"""Training: recipes, features, batches, and the run itself (needs the extra ``preread[train]``)."""
