"""Engines: a Design in, draws out, under the names, dims and coords of the contract."""
