"""The public sources by kind: address at a commit, SHA-256, licence, citation, BibTeX."""
