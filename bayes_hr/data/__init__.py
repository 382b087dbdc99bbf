"""From public files, or a user's own, to panels: sources, fetching, readers, treaties, regimes, panels.

Nothing here knows a model. Public names live in :mod:`bayes_hr`; nothing is imported at this level, so that
``import bayes_hr`` stays fast.
"""
