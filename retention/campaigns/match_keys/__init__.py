"""Match keys: what an advertising platform is given to recognise a customer by, built by versioned recipes at the export only.

Modules are imported where they are used: checking a play asks :mod:`retention.campaigns.match_keys.naming` alone.
"""
