"""How did it go? What is known of leads, in columns, and the reports that are made of it."""
