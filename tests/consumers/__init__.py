"""Three small marketing tools, as a stranger would build them from docs/marketing-contract.md alone."""
