"""What a developer's machine runs around the service: real servers without installing them."""
