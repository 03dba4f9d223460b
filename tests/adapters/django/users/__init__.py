"""
User models as projects have them: an app of the tests' project.
"""
