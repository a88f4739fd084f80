"""Results → terminal text and JSON: the only package that words output."""
