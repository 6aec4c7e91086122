"""The command ``preread``, also as ``python -m preread.pipeline``."""

import signal


def main() -> None:
    """Run the command line.

    While it is imported, SIGINT ends the process as SIGTERM does: nothing has to be finished yet.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from .cli.main import main as run

    run()


if __name__ == "__main__":
    main()
