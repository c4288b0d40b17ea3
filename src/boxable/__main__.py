"""`python -m boxable` is the command `boxable`."""

from boxable.cli import main

if __name__ == "__main__":
    main()
