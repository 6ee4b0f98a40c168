"""The mathematics of the course: a Transformer encoder and what is measured on it. No screen."""
