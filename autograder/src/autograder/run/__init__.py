"""A class of submissions through the stages, in parallel, resumable, one writer."""
