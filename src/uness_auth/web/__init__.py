"""
Requests in, pages or redirects out; still no framework.
"""
