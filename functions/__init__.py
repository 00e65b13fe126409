"""One folder a Lambda function: parse the event, run one use case, return a summary."""
