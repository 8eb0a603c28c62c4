"""What is known of people: where it stands, who sees how much of it, how long it stays, and how it goes.

Every column of the schema is classified here. Records past their time are emptied or deleted, a person is
given what is held about them or is erased from it, and a legal hold stops all of that. This room never
changes an amount, a state or a booking: money facts outlive the words around them.
"""
