"""Campaigns: one guest or many, booted over and over in every way there is, into one file.

Read ``definition`` (what is run), ``variation`` (what a seed changes), ``plan`` (the jobs that follow),
``store`` (the file), ``crew`` and ``cluster`` (who boots), ``drive`` (the loop), ``matrix`` (what came out).
docs/campaigns.md is the manual.
"""
