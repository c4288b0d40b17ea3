"""Network architectures as tables, and what is made of them."""
