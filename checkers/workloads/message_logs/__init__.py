"""Message logs, as Kafka's: what clients saw of them (`logs`), the rules (`rules`), and the checker."""
