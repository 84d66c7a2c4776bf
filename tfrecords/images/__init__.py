"""Pictures of any kind to RGB, and RGB to the bytes that are stored."""
