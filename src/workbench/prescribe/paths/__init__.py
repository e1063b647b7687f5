"""Paths of modules per persona: chosen exactly, put in order, told in words."""
