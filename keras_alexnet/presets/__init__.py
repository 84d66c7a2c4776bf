"""The AlexNets that people mean, as pure data."""
