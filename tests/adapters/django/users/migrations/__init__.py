"""
The tables of the tests' user models.
"""
