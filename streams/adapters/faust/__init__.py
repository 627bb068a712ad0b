"""The Faust worker: membership, the agents' consumer, and the services beside them."""
