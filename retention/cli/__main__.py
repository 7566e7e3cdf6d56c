"""``python -m retention.cli``."""

from retention.cli import app

if __name__ == "__main__":
    app()
