"""
What a visitor can do, one class each.  Flows do not know each other.
"""
