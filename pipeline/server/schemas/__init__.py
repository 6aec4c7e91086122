"""The shapes of requests and replies, from which the OpenAPI document is made."""
