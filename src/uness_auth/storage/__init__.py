"""
Where records are kept: in memory for development and tests, in SQL for real.
"""
