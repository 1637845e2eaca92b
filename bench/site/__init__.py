"""The smallest site that can be measured: ours, a naive client's views beside it, and another page."""
