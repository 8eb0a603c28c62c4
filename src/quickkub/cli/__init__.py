"""The commands an operator types: `up`, which runs the whole gateway, and those that look after its books.

A command reads its words, asks the rooms below, and prints. It decides nothing about money, and it learns
which program it belongs to from main.py (wiring.py), never from the environment.
"""
