"""
What fills the port `uness_auth.ports.Mailer`, and a queue for `OrderQueue`.
"""
