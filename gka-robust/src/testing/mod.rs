//! A network model, an oracle and scenarios for tests; outside semantic versioning.
