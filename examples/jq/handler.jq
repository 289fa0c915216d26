#!/usr/bin/env -S jq -f
# CloudWatch alarms, as they come through SNS, as messages for a chat.
[
  .Records[].Sns.Message
  | fromjson
  | {text: "\(.AlarmName) is \(.NewStateValue): \(.NewStateReason)"}
]
