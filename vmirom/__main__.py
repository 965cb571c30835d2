"""``python -m vmirom`` is the command line."""

from vmirom.cli.main import main

if __name__ == "__main__":
    main()
