"""What people send becomes clean leads, or a clear refusal.

A file goes `files.open_rows` → `columns.match_columns` → `leads.read_lead`, and what is refused to
`rejects.RejectsFile`; a lead that comes over HTTP goes straight to `leads.read_lead`.
"""
