"""The checks, generators and set-up behind `make`; nothing in src/quickkub imports anything from here."""
