"""For projects that test guests of their own: a pytest plugin, and the types of what it hands out.

``plugin`` is loaded by pytest (entry point ``pytest11``) and loads the rest once a test asks;
``boots`` has the results, for annotations. docs/pytest.md tells how they are used.
"""
