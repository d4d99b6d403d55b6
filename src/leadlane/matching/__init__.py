"""Who is this? The keys by which the same person and the same company are recognised."""
