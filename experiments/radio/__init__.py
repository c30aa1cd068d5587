"""The paper's experiment on real adapters: one sends, one or more listen; HCI socket, USB or serial through Bumble."""
