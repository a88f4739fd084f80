"""recall: find notes by meaning, and the wikilinks that are missing between them."""

__version__ = "0.1.0"
