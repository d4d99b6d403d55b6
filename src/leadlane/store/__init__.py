"""What does Leadlane remember? PostgreSQL: the server, the migrations, and one module for each group of
tables.
"""
