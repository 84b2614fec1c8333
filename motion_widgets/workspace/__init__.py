"""The workspace: it ties an endpoint, a log and a folder together.

What belongs to a folder comes in here: settings, inputs, publishing, budgets, team, library, bundle.
Read `workspace` first.
"""
