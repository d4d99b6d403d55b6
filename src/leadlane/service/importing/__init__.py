"""How do accounts, contacts and people come over from a CRM? Read, compared with what is there, written."""
