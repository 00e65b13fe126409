"""The synthesized stack on this machine, and the exchange it trades on."""
