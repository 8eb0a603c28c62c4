"""QuickKub: the payment gateway for Thailand that anyone can run."""

__version__ = "0.1.0"
