"""
Implementations of the ports with one planted fault each, for the contracts to reject.
"""
