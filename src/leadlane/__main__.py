"""`python -m leadlane` is the same as the `leadlane` command."""

from leadlane.cli import main

if __name__ == "__main__":
    main()
