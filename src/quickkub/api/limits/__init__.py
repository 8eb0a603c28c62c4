"""How often a caller may ask (security-reliability 5.9): memory by default, Valkey when processes share it."""
