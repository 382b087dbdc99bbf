"""A fit for readers: words, tables, figures, the model in mathematics, and one self-contained page."""
