"""A job's life, from a committed intent to a collected result, and what watches over it.

In come planned jobs of the log and a person's approval to send them; nothing here measures, prices or shows.
Read `job`, `runner`, `submit`, `poll`, `collect`, in this order; `context` is what they share.
"""
