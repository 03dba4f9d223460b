"""
What others offer, each set up as its documentation says, on SQLite.

Where a peer leaves work out that ours does, its module says which.
"""
