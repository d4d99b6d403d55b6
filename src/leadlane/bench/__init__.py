"""How fast is Leadlane, compared with what the same machine can do at best? `python -m leadlane.bench`"""
